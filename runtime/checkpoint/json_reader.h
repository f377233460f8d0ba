// JSON from strangers: parsing with limits, and typed, range-checked access to an object's fields.
//
// Goals: no depth that overflows a stack, no duplicate keys (a later one would silently win), no
// unbounded memory, and one wording for every complaint. Non-goals: writing JSON, speed.
// Include <nlohmann/json.hpp> only in .cc files that look into values themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace espalier {

struct JsonLimits {
  size_t max_depth = 32;          // nested objects and arrays
  size_t max_values = 1'000'000;  // values in the whole text; each takes some 100 bytes
};

// A container of very many members or elements that are handed over one by one instead of being
// kept: building 100,000 values takes longer than reading them.
struct JsonStreamed {
  std::string_view path;  // the keys that lead to it: "model.vocab"; it is empty in the result
  // Takes a member, or an element with an empty key; may move from both. Sees to keys that occur
  // twice.
  std::function<void(std::string& key, nlohmann::json& value)> take;
};

// Parses `text` (UTF-8, no comments) into `out`. Errors: kCorrupt (not JSON, a key twice in one
// object, a limit exceeded); the message gives the byte position or the key.
Status ParseJson(std::string_view text, const JsonLimits& limits, nlohmann::json* out,
                 std::span<const JsonStreamed> streamed = {});

// `text` fit for a one-line message: control characters as \xNN, cut after 120 bytes.
std::string MessageText(std::string_view text);

// The fields of one JSON object. Every error is kCorrupt and names `where`, field, found and
// expected. A field that is absent or null counts as missing. Refers to the object: keep it alive.
class JsonFields {
 public:
  // Errors: kCorrupt when `value` is not an object. `where` starts messages ("config.json").
  static Result<JsonFields> Of(const nlohmann::json& value, std::string where);

  bool Has(const char* key) const { return Find(key) != nullptr; }
  // The member or null.
  const nlohmann::json* Find(const char* key) const;
  // The member `key` as an object. Errors: missing, not an object.
  Result<JsonFields> Object(const char* key) const;

  // Each leaves `out` alone on error. Ranges are inclusive.
  Status Int(const char* key, int64_t min, int64_t max, int* out) const;
  Status Number(const char* key, double min, double max, double* out) const;
  Status Bool(const char* key, bool* out) const;
  Status String(const char* key, std::string* out) const;  // not empty
  Status Strings(const char* key, std::vector<std::string>* out) const;
  Status Ints(const char* key, int64_t min, int64_t max, std::vector<int>* out) const;

  // kCorrupt "where: key: reason".
  Status Error(std::string_view key, std::string_view reason) const;
  const std::string& where() const { return where_; }

 private:
  JsonFields(const nlohmann::json* object, std::string where)
      : object_(object), where_(std::move(where)) {}
  Result<const nlohmann::json*> Required(const char* key) const;

  const nlohmann::json* object_;
  std::string where_;
};

}  // namespace espalier
