// Token sequences that share their beginnings: each node is one token, how likely it was, and a
// link to its parent.
//
// Goals: a step of a beam search adds nodes and copies no sequence. Non-goals: freeing single
// nodes.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

namespace espalier {

class HypothesisTree {
 public:
  static constexpr int kRoot = -1;

  // Forgets everything and makes room for `nodes` nodes; Add allocates only beyond that.
  void Reset(size_t nodes) {
    nodes_.clear();
    nodes_.reserve(nodes);
  }

  // Returns the new node. parent: an earlier node or kRoot.
  int Add(int parent, int token, float log_prob) {
    const int length = parent == kRoot ? 1 : At(parent).length + 1;
    nodes_.push_back({parent, token, length, log_prob});
    return static_cast<int>(nodes_.size()) - 1;
  }

  int parent(int node) const { return At(node).parent; }
  int token(int node) const { return At(node).token; }
  int length(int node) const { return node == kRoot ? 0 : At(node).length; }

  // Copies the last min(buffer.size(), length) tokens that end in `node`, in order.
  std::span<const int> Tail(int node, std::span<int> buffer) const {
    const size_t count = std::min(buffer.size(), static_cast<size_t>(length(node)));
    for (size_t i = count; i > 0; --i, node = At(node).parent) buffer[i - 1] = At(node).token;
    return buffer.first(count);
  }

  std::vector<int> Sequence(int node) const {
    std::vector<int> tokens(static_cast<size_t>(length(node)));
    Tail(node, tokens);
    return tokens;
  }

  // Of the same tokens.
  std::vector<float> LogProbs(int node) const {
    std::vector<float> log_probs(static_cast<size_t>(length(node)));
    for (size_t i = log_probs.size(); i > 0; --i, node = At(node).parent) {
      log_probs[i - 1] = At(node).log_prob;
    }
    return log_probs;
  }

 private:
  struct Node {
    int parent, token, length;
    float log_prob;
  };
  const Node& At(int node) const { return nodes_[static_cast<size_t>(node)]; }

  std::vector<Node> nodes_;
};

}  // namespace espalier
