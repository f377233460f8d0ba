// Calls Visitor::{Read, Write, Update, Constant, Parameter} for every operand of an op.
#pragma once

#include <type_traits>
#include <variant>

#include "runtime/graph/op.h"

namespace espalier {

template <typename Visitor>
void VisitOperands(const Op& op, Visitor& visitor) {
  std::visit(
      [&visitor](const auto& typed) {
        using Typed = std::decay_t<decltype(typed)>;
        if constexpr (!std::is_same_v<Typed, std::monostate>) typed.Visit(visitor);
      },
      op);
}

}  // namespace espalier
