#include "runtime/model/gates.h"

#include <algorithm>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

GateTable OpenTable(std::vector<std::string> modules, int layers) {
  GateTable table{.modules = std::move(modules), .layers = layers, .open = {}};
  table.open.assign(table.modules.size() * static_cast<size_t>(layers), 1);
  return table;
}

void AppendTableText(const char* title, const GateTable& table, std::string* text) {
  size_t widest = 5;
  for (const std::string& module : table.modules) widest = std::max(widest, module.size());
  *text += StrFormat("%-8s", title);
  for (const std::string& module : table.modules) {
    *text += StrFormat(" %*s", static_cast<int>(widest), module.c_str());
  }
  *text += "\n";
  for (int layer = 0; layer < table.layers; ++layer) {
    *text += StrFormat("%-8d", layer);
    for (const std::string& module : table.modules) {
      *text += StrFormat(" %*s", static_cast<int>(widest), table.IsOpen(layer, module) ? "#" : ".");
    }
    *text += "\n";
  }
}

constexpr int kCell = 28, kLabelWidth = 170, kHeading = 56;

// One stack as a grid: a row per module, a column per layer.
void AppendTableSvg(const char* title, const GateTable& table, int top, std::string* svg) {
  *svg += StrFormat("<text x=\"10\" y=\"%d\" font-weight=\"bold\">%s</text>\n", top + 18, title);
  for (int layer = 0; layer < table.layers; ++layer) {
    *svg += StrFormat("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">%d</text>\n",
                      kLabelWidth + layer * kCell + kCell / 2, top + 18, layer);
  }
  for (size_t m = 0; m < table.modules.size(); ++m) {
    const int y = top + 26 + static_cast<int>(m) * kCell;
    *svg += StrFormat("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", kLabelWidth - 10,
                      y + 18, EscapeXml(table.modules[m]).c_str());
    for (int layer = 0; layer < table.layers; ++layer) {
      const bool open = table.IsOpen(layer, table.modules[m]);
      *svg += StrFormat(
          "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\" fill=\"%s\" "
          "stroke=\"#2f6b3a\"/>\n",
          kLabelWidth + layer * kCell + 2, y + 2, kCell - 4, kCell - 4, open ? "#3f8f4f" : "none");
    }
  }
}

int TableHeight(const GateTable& table) {
  return 40 + static_cast<int>(table.modules.size()) * kCell;
}

}  // namespace

bool GateTable::IsOpen(int layer, std::string_view module) const {
  const auto found = std::find(modules.begin(), modules.end(), module);
  if (found == modules.end()) return true;  // a module without a gate always runs
  const auto column = static_cast<size_t>(found - modules.begin());
  return open[static_cast<size_t>(layer) * modules.size() + column] != 0;
}

int GateTable::closed_count() const {
  return static_cast<int>(std::count(open.begin(), open.end(), uint8_t{0}));
}

GateMask AllOpen(const ModelConfig& config) {
  std::vector<std::string> encoder = EncoderModulesOf(config.family, config.encoder.macaron);
  std::vector<std::string> decoder = DecoderModules();
  if (config.gate) {
    encoder = config.gate->encoder_modules;
    decoder = config.gate->decoder_modules;
  }
  return {OpenTable(std::move(encoder), config.encoder.layers),
          OpenTable(std::move(decoder), config.decoder.layers)};
}

std::string EscapeXml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string GateMaskToText(const GateMask& mask) {
  std::string text;
  AppendTableText("encoder", mask.encoder, &text);
  AppendTableText("decoder", mask.decoder, &text);
  text += StrFormat("%d of %d gates closed\n", mask.closed_count(), mask.gate_count());
  return text;
}

std::string GateMaskToSvg(const GateMask& mask, const std::string& title) {
  const int layers = std::max(mask.encoder.layers, mask.decoder.layers);
  const int width = std::max(kLabelWidth + layers * kCell + 20, 480);
  const int height = kHeading + TableHeight(mask.encoder) + TableHeight(mask.decoder) + 10;
  std::string svg = StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
      "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%%\" height=\"100%%\" "
      "fill=\"white\"/>\n",
      width, height);
  svg +=
      StrFormat("<text x=\"10\" y=\"24\" font-size=\"15\">%s</text>\n", EscapeXml(title).c_str());
  svg += StrFormat(
      "<text x=\"10\" y=\"44\" fill=\"#555\">%d of %d gates closed; filled = open</text>\n",
      mask.closed_count(), mask.gate_count());
  AppendTableSvg("encoder", mask.encoder, kHeading, &svg);
  AppendTableSvg("decoder", mask.decoder, kHeading + TableHeight(mask.encoder), &svg);
  return svg + "</svg>\n";
}

}  // namespace espalier
