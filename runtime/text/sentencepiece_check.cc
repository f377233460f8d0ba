#include "runtime/text/sentencepiece_check.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "runtime/base/string_format.h"
#include "runtime/text/charsmap_check.h"
#include "runtime/text/proto_reader.h"
#include "runtime/text/utf8.h"
#include "runtime/text/vocabulary.h"

namespace espalier {
namespace {

using WireType = ProtoReader::WireType;

// ModelProto.SentencePiece.Type
enum PieceType : uint64_t { kNormal = 1, kUnknown = 2, kUserDefined = 4 };

constexpr size_t kMaxPieceBytes = 512;    // the trainer's default limit is 16 characters
constexpr float kMaxScore = 1e9f;         // sums of scores stay finite
constexpr size_t kMaxNestedSymbols = 64;  // PrefixMatcher::PrefixMatch keeps the matches of one
                                          // walk in an array of this size

class ModelCheck {
 public:
  Status Run(std::string_view model) {
    ProtoReader reader(model);
    while (reader.Next()) {
      if (reader.Is(1, WireType::kBytes)) {
        ESP_RETURN_IF_ERROR(Piece(reader.bytes()));
      } else if (reader.Is(3, WireType::kBytes) || reader.Is(5, WireType::kBytes)) {
        ESP_RETURN_IF_ERROR(Normalizer(reader.bytes()));
      }
    }
    if (!reader.ok()) return Corrupt("not a SentencePiece model");
    if (unknown_count_ != 1) {
      return Corrupt(StrFormat("%d unknown pieces, expected one", unknown_count_));
    }
    return NestedSymbols();
  }

 private:
  Status PieceError(const char* reason) const {
    return Corrupt(StrFormat("piece %zu: ", pieces_.size()) + reason);
  }

  Status Piece(std::string_view message) {
    std::string_view text;
    float score = 0;
    uint64_t type = kNormal;
    ProtoReader reader(message);
    while (reader.Next()) {
      if (reader.Is(1, WireType::kBytes)) text = reader.bytes();
      if (reader.Is(2, WireType::kFixed32)) score = reader.fixed32_as_float();
      if (reader.Is(3, WireType::kVarint)) type = reader.varint();
    }
    if (!reader.ok()) return PieceError("damaged");
    if (text.empty() || text.size() > kMaxPieceBytes) {
      return PieceError("its length is out of range");
    }
    if (!IsValidUtf8(text) || text.find('\0') != std::string_view::npos) {
      return PieceError("not valid text");
    }
    if (!(std::fabs(score) <= kMaxScore)) return PieceError("its score is out of range");
    if (pieces_.size() >= kMaxVocabularySize) return PieceError("there are too many");
    if (!pieces_.insert(text).second) return PieceError("occurs twice");
    if (type == kUnknown) ++unknown_count_;
    if (type == kUserDefined) symbols_.push_back(text);
    return OkStatus();
  }

  static Status Normalizer(std::string_view message) {
    ProtoReader reader(message);
    while (reader.Next()) {
      if (reader.Is(2, WireType::kBytes) && !reader.bytes().empty()) {
        ESP_RETURN_IF_ERROR(CheckCharsmap(reader.bytes()));
      }
    }
    return reader.ok() ? OkStatus() : Corrupt("its normalizer is damaged");
  }

  // No text may begin with more user-defined symbols at once than the library has room for.
  Status NestedSymbols() {
    std::sort(symbols_.begin(), symbols_.end());
    std::vector<std::string_view> nested;  // each a prefix of the next
    for (const std::string_view symbol : symbols_) {
      while (!nested.empty() && !symbol.starts_with(nested.back())) nested.pop_back();
      nested.push_back(symbol);
      if (nested.size() > kMaxNestedSymbols) {
        return Corrupt("too many symbols that begin with one another");
      }
    }
    return OkStatus();
  }

  std::unordered_set<std::string_view> pieces_;
  std::vector<std::string_view> symbols_;
  int unknown_count_ = 0;
};

}  // namespace

Status CheckSentencePieceModel(std::string_view model) { return ModelCheck().Run(model); }

}  // namespace espalier
