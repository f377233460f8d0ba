// One overload per op; each is defined in ops/<op>.cc.
#pragma once

#include <variant>

#include "runtime/backend/host/operands.h"
#include "runtime/graph/op.h"

namespace espalier::reference {

#define ESP_OP(name) void Run(const name##Op& op, const Operands& operands);
#include "runtime/graph/op_list.inc"
#undef ESP_OP

// Ends the variant; Plan::Validate refuses it.
inline void Run(const std::monostate&, const Operands&) {}

// The activation of graph/refs.h in double.
double Activate(Activation activation, double x);

}  // namespace espalier::reference
