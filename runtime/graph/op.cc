#include "runtime/graph/op.h"

namespace espalier {
namespace {

struct NameOf {
#define ESP_OP(name) \
  std::string_view operator()(const name##Op&) const { return #name; }
#include "runtime/graph/op_list.inc"
#undef ESP_OP
  std::string_view operator()(const std::monostate&) const { return "none"; }
};

}  // namespace

std::string_view OpName(const Op& op) { return std::visit(NameOf{}, op); }

}  // namespace espalier
