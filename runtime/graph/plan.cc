#include "runtime/graph/plan.h"

#include "runtime/base/string_format.h"
#include "runtime/graph/op_visit.h"

namespace espalier {
namespace {

const char* ActivationName(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "none";
    case Activation::kRelu:
      return "relu";
    case Activation::kSwish:
      return "swish";
    case Activation::kGelu:
      return "gelu";
  }
  return "?";
}

// Appends " name=value" for every operand that is there.
class TextVisitor {
 public:
  TextVisitor(const Plan& plan, std::string* text) : plan_(plan), text_(text) {}

  void Read(const char* name, const TensorRef& ref) { Tensor(name, ref); }
  void Write(const char* name, const TensorRef& ref) { Tensor(name, ref); }
  void Update(const char* name, const TensorRef& ref) { Tensor(name, ref); }
  void Constant(const char* name, const WeightRef& ref) {
    if (!ref.present()) return;
    *text_ += StrFormat(" %s=%s", name, plan_.weights[static_cast<size_t>(ref.index)].name.c_str());
  }
  void Parameter(const char* name, Activation value) {
    if (value != Activation::kNone) *text_ += StrFormat(" %s=%s", name, ActivationName(value));
  }
  void Parameter(const char* name, float value) { *text_ += StrFormat(" %s=%g", name, value); }
  void Parameter(const char* name, int32_t value) { *text_ += StrFormat(" %s=%d", name, value); }
  void Parameter(const char* name, bool value) {
    if (value) *text_ += StrFormat(" %s", name);
  }

 private:
  void Tensor(const char* name, const TensorRef& ref) {
    if (!ref.present()) return;
    const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
    *text_ += StrFormat(" %s=%s", name, slot.name.c_str());
    if (ref.column_count != slot.columns) {
      *text_ += StrFormat("[%d:%d]", ref.column_begin, ref.column_begin + ref.column_count);
    }
  }

  const Plan& plan_;
  std::string* text_;
};

std::string LengthText(const Plan& plan, const Length& length) {
  std::string text = StrFormat("length %s max=%d", length.name.c_str(), length.max);
  if (length.source >= 0) {
    text += StrFormat(" from=%s kernel=%d stride=%d padding=%d",
                      plan.lengths[static_cast<size_t>(length.source)].name.c_str(), length.kernel,
                      length.stride, length.padding);
  }
  return text + "\n";
}

std::string SlotText(const Plan& plan, const Slot& slot) {
  const std::string rows = slot.length >= 0 ? plan.lengths[static_cast<size_t>(slot.length)].name
                                            : std::to_string(slot.fixed_rows);
  std::string text = StrFormat("slot %s (%s,%d) %s", slot.name.c_str(), rows.c_str(), slot.columns,
                               std::string(DTypeName(slot.dtype)).c_str());
  if (slot.external >= 0) return text + StrFormat(" external=%d\n", slot.external);
  return text + StrFormat(" at=%lld\n", static_cast<long long>(slot.offset_bytes));
}

}  // namespace

Status Plan::ResolveLengths(std::span<const int32_t> given, std::span<int32_t> resolved) const {
  size_t next = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const Length& length = lengths[i];
    int32_t rows = 0;
    if (length.source < 0) {
      if (next == given.size()) return Internal(name + ": a length is missing: " + length.name);
      rows = given[next++];
    } else {
      const int32_t span = resolved[static_cast<size_t>(length.source)] + 2 * length.padding;
      if (span < length.kernel) {
        return InvalidArgument(
            StrFormat("%s: too short for the model: %d %s, at least %d needed", name.c_str(), span,
                      lengths[static_cast<size_t>(length.source)].name.c_str(), length.kernel));
      }
      rows = (span - length.kernel) / length.stride + 1;
    }
    if (rows < 0 || rows > length.max) {
      return InvalidArgument(StrFormat("%s: %d %s, the plan holds 0 to %d", name.c_str(), rows,
                                       length.name.c_str(), length.max));
    }
    resolved[i] = rows;
  }
  return OkStatus();
}

int32_t Plan::MaxRows(const Slot& slot) const {
  return slot.length >= 0 ? lengths[static_cast<size_t>(slot.length)].max : slot.fixed_rows;
}

int64_t Plan::MaxBytes(const Slot& slot) const {
  return int64_t{MaxRows(slot)} * slot.columns * static_cast<int64_t>(DTypeSize(slot.dtype));
}

std::string Plan::ToText() const {
  std::string text = "plan " + name + "\n";
  for (const Length& length : lengths) text += LengthText(*this, length);
  for (const Slot& slot : slots) text += SlotText(*this, slot);
  for (const Op& op : ops) {
    text += OpName(op);
    TextVisitor visitor(*this, &text);
    VisitOperands(op, visitor);
    text += "\n";
  }
  return text;
}

}  // namespace espalier
