#include "runtime/checkpoint/json_reader.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

using nlohmann::json;

// Builds the value while it counts depth, values and keys; stops the parser at the first excess.
class BoundedBuilder final : public nlohmann::json_sax<json> {
 public:
  BoundedBuilder(const JsonLimits& limits, json* root, std::span<const JsonStreamed> streamed)
      : limits_(limits), root_(root), streamed_(streamed) {}

  const std::string& error() const { return error_; }

  bool null() override { return AddLeaf(nullptr); }
  bool boolean(bool value) override { return AddLeaf(value); }
  bool number_integer(number_integer_t value) override { return AddLeaf(value); }
  bool number_unsigned(number_unsigned_t value) override { return AddLeaf(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return AddLeaf(value);
  }
  bool string(string_t& value) override { return AddLeaf(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }  // not in textual JSON
  bool start_object(size_t /*size*/) override { return Open(json::object()); }
  bool start_array(size_t /*size*/) override { return Open(json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(string_t& value) override {
    if (open_.back().stream != nullptr) {
      element_key_ = std::move(value);
      return true;
    }
    if (!streamed_.empty()) key_ = value;
    auto& members = *open_.back().value->get_ptr<json::object_t*>();
    const auto [place, fresh] = members.emplace(value, nullptr);
    if (!fresh) return Fail("the key \"" + MessageText(value) + "\" occurs twice");
    member_ = &place->second;
    return true;
  }

  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*exception*/) override {
    return Fail(StrFormat("not valid JSON at byte %zu", position));
  }

 private:
  struct Container {
    json* value;
    // As JsonStreamed has it. None inside a streamed element: nothing there is streamed again, as
    // element_ would be overwritten while containers of it are open.
    std::optional<std::string> path;
    const JsonStreamed* stream = nullptr;  // takes what this one contains
  };

  template <typename T>
  bool AddLeaf(T&& value) {
    if (Add(std::forward<T>(value)) == nullptr) return false;
    HandOver();
    return true;
  }

  // The value that is complete goes to whom its container streams to.
  void HandOver() {
    if (open_.empty() || open_.back().stream == nullptr) return;
    open_.back().stream->take(element_key_, element_);
    element_key_.clear();
  }

  template <typename T>
  json* Add(T&& value) {
    if (++values_ > limits_.max_values) {
      Fail(StrFormat("more than %zu values", limits_.max_values));
      return nullptr;
    }
    if (open_.empty()) {
      *root_ = std::forward<T>(value);
      return root_;
    }
    if (open_.back().stream != nullptr) {
      element_ = std::forward<T>(value);
      return &element_;
    }
    if (open_.back().value->is_object()) {
      *member_ = std::forward<T>(value);
      return member_;
    }
    // A parent does not grow while its last child is open, so pointers in open_ stay valid.
    auto& elements = *open_.back().value->get_ptr<json::array_t*>();
    elements.emplace_back(std::forward<T>(value));
    return &elements.back();
  }

  bool Open(json container) {
    if (open_.size() >= limits_.max_depth) {
      return Fail(StrFormat("nested deeper than %zu levels", limits_.max_depth));
    }
    Container opened{.value = Add(std::move(container)), .path = std::nullopt};
    if (opened.value == nullptr) return false;
    if (open_.empty()) {
      opened.path = "";
    } else if (const Container& parent = open_.back();
               !streamed_.empty() && parent.path && parent.stream == nullptr) {
      const bool named = parent.value->is_object();
      opened.path = *parent.path + (parent.path->empty() ? "" : ".") + (named ? key_ : "[]");
      for (const JsonStreamed& stream : streamed_) {
        if (stream.path == opened.path) opened.stream = &stream;
      }
    }
    open_.push_back(std::move(opened));
    return true;
  }

  bool Close() {
    const bool is_element = open_.size() > 1 && open_[open_.size() - 2].stream != nullptr;
    open_.pop_back();
    if (is_element) HandOver();
    return true;
  }

  bool Fail(std::string error) {
    if (error_.empty()) error_ = std::move(error);
    return false;
  }

  const JsonLimits limits_;
  json* const root_;
  const std::span<const JsonStreamed> streamed_;
  std::vector<Container> open_;  // containers being read, outermost first
  std::string key_;              // the last one of a container that is kept
  json* member_ = nullptr;       // where the last key's value goes
  std::string element_key_;      // of a streamed container
  json element_;
  size_t values_ = 0;
  std::string error_;
};

std::string KindAndValue(const json& value) {
  if (value.is_structured()) return std::string("an ") + value.type_name();
  if (value.is_string()) {
    return "\"" + MessageText(*value.get_ptr<const std::string*>()) + "\"";
  }
  return value.dump();
}

// True when `value` is a whole number within [min, max]; floats such as 80.0 are not taken.
bool IntWithin(const json& value, int64_t min, int64_t max, int* out) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() &&
      *value.get_ptr<const uint64_t*>() > static_cast<uint64_t>(INT64_MAX)) {
    return false;
  }
  const auto number = value.get<int64_t>();
  if (number < min || number > max) return false;
  *out = static_cast<int>(number);
  return true;
}

}  // namespace

Status ParseJson(std::string_view text, const JsonLimits& limits, json* out,
                 std::span<const JsonStreamed> streamed) {
  BoundedBuilder builder(limits, out, streamed);
  if (!json::sax_parse(text.begin(), text.end(), &builder)) return Corrupt(builder.error());
  return OkStatus();
}

std::string MessageText(std::string_view text) {
  constexpr size_t kLongest = 120;
  std::string shown;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      shown += StrFormat("\\x%02x", byte);
    } else {
      shown += c;
    }
  }
  if (text.size() > kLongest) {
    // Cut before the character that the limit falls into.
    while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xC0) == 0x80) {
      shown.pop_back();
    }
    if (!shown.empty() && static_cast<unsigned char>(shown.back()) >= 0xC0) shown.pop_back();
    shown += "...";
  }
  return shown;
}

Result<JsonFields> JsonFields::Of(const json& value, std::string where) {
  if (!value.is_object()) {
    return Corrupt(where + ": " + KindAndValue(value) + ", expected an object");
  }
  return JsonFields(&value, std::move(where));
}

const json* JsonFields::Find(const char* key) const {
  const auto found = object_->find(key);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

Result<const json*> JsonFields::Required(const char* key) const {
  const json* value = Find(key);
  if (value == nullptr) return Error(key, "missing");
  return value;
}

Result<JsonFields> JsonFields::Object(const char* key) const {
  ESP_ASSIGN_OR_RETURN(const json* value, Required(key));
  return Of(*value, where_ + ": " + key);
}

Status JsonFields::Int(const char* key, int64_t min, int64_t max, int* out) const {
  ESP_ASSIGN_OR_RETURN(const json* value, Required(key));
  if (IntWithin(*value, min, max, out)) return OkStatus();
  return Error(key, KindAndValue(*value) + StrFormat(", expected a whole number from %lld to %lld",
                                                     static_cast<long long>(min),
                                                     static_cast<long long>(max)));
}

Status JsonFields::Number(const char* key, double min, double max, double* out) const {
  ESP_ASSIGN_OR_RETURN(const json* value, Required(key));
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= min && number <= max)) {
    return Error(key,
                 KindAndValue(*value) + StrFormat(", expected a number from %g to %g", min, max));
  }
  *out = number;
  return OkStatus();
}

Status JsonFields::Bool(const char* key, bool* out) const {
  ESP_ASSIGN_OR_RETURN(const json* value, Required(key));
  if (!value->is_boolean()) return Error(key, KindAndValue(*value) + ", expected true or false");
  *out = value->get<bool>();
  return OkStatus();
}

Status JsonFields::String(const char* key, std::string* out) const {
  ESP_ASSIGN_OR_RETURN(const json* value, Required(key));
  const auto* text = value->get_ptr<const std::string*>();
  if (text == nullptr || text->empty()) {
    return Error(key, KindAndValue(*value) + ", expected a non-empty string");
  }
  *out = *text;
  return OkStatus();
}

Status JsonFields::Strings(const char* key, std::vector<std::string>* out) const {
  ESP_ASSIGN_OR_RETURN(const json* value, Required(key));
  if (!value->is_array()) return Error(key, KindAndValue(*value) + ", expected a list of strings");
  std::vector<std::string> strings;
  for (const json& element : *value) {
    const auto* text = element.get_ptr<const std::string*>();
    if (text == nullptr || text->empty()) {
      return Error(key, StrFormat("element %zu: ", strings.size()) + KindAndValue(element) +
                            ", expected a non-empty string");
    }
    strings.push_back(*text);
  }
  *out = std::move(strings);
  return OkStatus();
}

Status JsonFields::Ints(const char* key, int64_t min, int64_t max, std::vector<int>* out) const {
  ESP_ASSIGN_OR_RETURN(const json* value, Required(key));
  if (!value->is_array()) return Error(key, KindAndValue(*value) + ", expected a list of numbers");
  std::vector<int> numbers;
  for (const json& element : *value) {
    int number = 0;
    if (!IntWithin(element, min, max, &number)) {
      return Error(key, StrFormat("element %zu: ", numbers.size()) + KindAndValue(element) +
                            StrFormat(", expected a whole number from %lld to %lld",
                                      static_cast<long long>(min), static_cast<long long>(max)));
    }
    numbers.push_back(number);
  }
  *out = std::move(numbers);
  return OkStatus();
}

Status JsonFields::Error(std::string_view key, std::string_view reason) const {
  return Corrupt(where_ + ": " + std::string(key) + ": " + std::string(reason));
}

}  // namespace espalier
