// Which modules of which layers run: one bit each, all open by default (design: gates).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/checkpoint/model_config.h"

namespace espalier {

// The gates of one stack (encoder or decoder), (layers, modules) row-major.
struct GateTable {
  std::vector<std::string> modules;  // ESPnet's names, in predictor order
  int layers = 0;
  std::vector<uint8_t> open;  // 1 = runs

  bool IsOpen(int layer, std::string_view module) const;
  int closed_count() const;
  friend bool operator==(const GateTable&, const GateTable&) = default;
};

struct GateMask {
  GateTable encoder;
  GateTable decoder;

  int gate_count() const { return static_cast<int>(encoder.open.size() + decoder.open.size()); }
  int closed_count() const { return encoder.closed_count() + decoder.closed_count(); }
  friend bool operator==(const GateMask&, const GateMask&) = default;
};

// The module names a family has, every gate open.
GateMask AllOpen(const ModelConfig& config);

// A table for a terminal: a line per layer, a column per module, '#' open and '.' closed.
std::string GateMaskToText(const GateMask& mask);

// `text` as content of an SVG element.
std::string EscapeXml(const std::string& text);

// The table as a picture.
std::string GateMaskToSvg(const GateMask& mask, const std::string& title);

}  // namespace espalier
