#ifndef ESPALIER_SHADERS_PARAMS_CTC_PREFIX_SCORE_H_
#define ESPALIER_SHADERS_PARAMS_CTC_PREFIX_SCORE_H_
#include "params.h"

ESP_PARAMS_BEGIN(CtcPrefixScoreParams)
uint rows;
uint steps;
uint candidates;
uint blank;
uint eos;
float log_zero;
uint log_probs_base;
uint log_probs_stride;
uint tokens_base;
uint tokens_stride;
uint hypotheses_base;
uint hypotheses_stride;
uint label_base;  // of the state's rows for paths that end in a label, and in a blank
uint blank_base;
uint state_stride;
uint scores_base;
uint scores_stride;
ESP_PARAMS_END(CtcPrefixScoreParams, 68)

#endif  // ESPALIER_SHADERS_PARAMS_CTC_PREFIX_SCORE_H_
