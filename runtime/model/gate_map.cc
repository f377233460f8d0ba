#include "runtime/model/gate_map.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

constexpr int kCell = 14, kRow = 22, kLabelWidth = 170, kTop = 92, kGap = 10;

// One module of one stack: a group of columns.
struct Group {
  bool encoder = true;
  size_t module = 0;
  const GateTable& Of(const GateMask& mask) const { return encoder ? mask.encoder : mask.decoder; }
  bool IsOpen(const GateMask& mask, int layer) const {
    const GateTable& table = Of(mask);
    return table.open[static_cast<size_t>(layer) * table.modules.size() + module] != 0;
  }
};

std::vector<Group> GroupsOf(const GateMask& mask) {
  std::vector<Group> groups;
  for (const bool encoder : {true, false}) {
    const GateTable& table = encoder ? mask.encoder : mask.decoder;
    for (size_t m = 0; m < table.modules.size(); ++m) groups.push_back({encoder, m});
  }
  return groups;
}

std::string Label(const ContextGates& context) { return context.language + " " + context.task; }

std::vector<uint8_t> AllGates(const GateMask& mask) {
  std::vector<uint8_t> gates = mask.encoder.open;
  gates.insert(gates.end(), mask.decoder.open.begin(), mask.decoder.open.end());
  return gates;
}

double SameShare(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  size_t same = 0;
  for (size_t i = 0; i < a.size(); ++i) same += a[i] == b[i] ? 1u : 0u;
  return static_cast<double>(same) / static_cast<double>(std::max<size_t>(1, a.size()));
}

std::string AgreementText(const char* name, const Agreement& agreement) {
  if (agreement.pairs == 0) return StrFormat("  %-42s no such pair\n", name);
  return StrFormat("  %-42s %5.1f %% of gates alike (%d pairs)\n", name, 100 * agreement.share,
                   agreement.pairs);
}

}  // namespace

GateMapSummary SummarizeGateMap(std::span<const ContextGates> contexts) {
  GateMapSummary summary;
  std::vector<std::vector<uint8_t>> gates;
  for (const ContextGates& each : contexts) gates.push_back(AllGates(each.mask));
  summary.gate_count = static_cast<int>(gates.front().size());
  for (size_t gate = 0; gate < gates.front().size(); ++gate) {
    size_t open = 0;
    for (const auto& each : gates) open += each[gate];
    summary.varying_gates += open > 0 && open < gates.size() ? 1 : 0;
    summary.always_closed += open == 0 ? 1 : 0;
  }
  for (size_t i = 0; i < contexts.size(); ++i) {
    for (size_t k = i + 1; k < contexts.size(); ++k) {
      const bool task = contexts[i].task == contexts[k].task;
      const bool language = contexts[i].language == contexts[k].language;
      Agreement& kind = task       ? summary.same_task
                        : language ? summary.same_language
                                   : summary.neither;
      kind.share += SameShare(gates[i], gates[k]);
      ++kind.pairs;
    }
  }
  for (Agreement* kind : {&summary.same_task, &summary.same_language, &summary.neither}) {
    if (kind->pairs > 0) kind->share /= kind->pairs;
  }
  return summary;
}

std::string GateMapToText(std::span<const ContextGates> contexts) {
  const std::vector<Group> groups = GroupsOf(contexts.front().mask);
  std::string text = StrFormat("%-24s", "context");
  std::vector<int> widths;
  for (const Group& group : groups) {
    const GateTable& table = group.Of(contexts.front().mask);
    const std::string name = (group.encoder ? "enc " : "dec ") + table.modules[group.module];
    widths.push_back(std::max(table.layers, static_cast<int>(name.size())));
    text += StrFormat("  %-*s", widths.back(), name.c_str());
  }
  text += "  closed\n";
  for (const ContextGates& context : contexts) {
    text += StrFormat("%-24s", Label(context).c_str());
    for (size_t g = 0; g < groups.size(); ++g) {
      std::string layers;
      for (int layer = 0; layer < groups[g].Of(context.mask).layers; ++layer) {
        layers += groups[g].IsOpen(context.mask, layer) ? '#' : '.';
      }
      text += StrFormat("  %-*s", widths[g], layers.c_str());
    }
    text += StrFormat("  %d of %d\n", context.mask.closed_count(), context.mask.gate_count());
  }
  const GateMapSummary summary = SummarizeGateMap(contexts);
  text += StrFormat("%d of %d gates differ between contexts, %d are closed in all\n",
                    summary.varying_gates, summary.gate_count, summary.always_closed);
  text += AgreementText("same task, another language:", summary.same_task);
  text += AgreementText("same language, another task:", summary.same_language);
  text += AgreementText("another language and task:", summary.neither);
  return text;
}

std::string GateMapToSvg(std::span<const ContextGates> contexts, const std::string& title) {
  const std::vector<Group> groups = GroupsOf(contexts.front().mask);
  std::string cells;
  int x = kLabelWidth;
  for (const Group& group : groups) {
    const GateTable& table = group.Of(contexts.front().mask);
    cells += StrFormat("<text transform=\"translate(%d,%d) rotate(-20)\">%s %s</text>\n", x + 4,
                       kTop - 8, group.encoder ? "enc" : "dec",
                       EscapeXml(table.modules[group.module]).c_str());
    for (size_t row = 0; row < contexts.size(); ++row) {
      const int y = kTop + static_cast<int>(row) * kRow;
      for (int layer = 0; layer < table.layers; ++layer) {
        cells += StrFormat(
            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"2\" fill=\"%s\" "
            "stroke=\"#2f6b3a\"/>\n",
            x + layer * kCell + 1, y + 3, kCell - 2, kRow - 6,
            group.IsOpen(contexts[row].mask, layer) ? "#3f8f4f" : "none");
      }
    }
    x += table.layers * kCell + kGap;
  }
  for (size_t row = 0; row < contexts.size(); ++row) {
    const int y = kTop + static_cast<int>(row) * kRow + 16;
    cells += StrFormat("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", kLabelWidth - 10,
                       y, EscapeXml(Label(contexts[row])).c_str());
    cells += StrFormat("<text x=\"%d\" y=\"%d\" fill=\"#555\">%d closed</text>\n", x, y,
                       contexts[row].mask.closed_count());
  }
  const int height = kTop + static_cast<int>(contexts.size()) * kRow + 14;
  return StrFormat(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" "
             "height=\"100%%\" fill=\"white\"/>\n<text x=\"10\" y=\"22\" "
             "font-size=\"15\">%s</text>\n<text x=\"10\" y=\"42\" fill=\"#555\">filled = open; a "
             "column per layer</text>\n",
             x + 90, height, EscapeXml(title).c_str()) +
         cells + "</svg>\n";
}

std::string GateMapToJson(std::span<const ContextGates> contexts) {
  auto json = nlohmann::ordered_json::parse(ContextGatesToJson(contexts));
  const GateMapSummary summary = SummarizeGateMap(contexts);
  const auto kind = [](const Agreement& agreement) {
    return nlohmann::ordered_json{{"share", agreement.share}, {"pairs", agreement.pairs}};
  };
  json["agreement"] = {
      {"same_task", kind(summary.same_task)},   {"same_language", kind(summary.same_language)},
      {"neither", kind(summary.neither)},       {"gates", summary.gate_count},
      {"varying_gates", summary.varying_gates}, {"always_closed", summary.always_closed}};
  return json.dump(1) + "\n";
}

}  // namespace espalier
