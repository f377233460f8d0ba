// espalier quantize: a model folder with smaller weights.
#include "runtime/checkpoint/quantize.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/verb.h"
#include "apps/cli/writers/json_values.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

class QuantizeVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("model", model_, "The model folder")->type_name("FOLDER")->required();
    app.add_option("--to", storage_, "Storage of the matrices")
        ->check(CLI::IsMember({"int8", "f16"}))
        ->required();
    app.add_option("-o,--output", output_, "The new folder")->type_name("FOLDER")->required();
    app.add_option("--gates", gate_pack_, "A gate pack to put in (default: the model's own)")
        ->type_name("PACK");
  }

  Result<int> Run(VerbContext& context) override {
    const auto show = [&](int64_t done, int64_t count) {
      context.console.ShowStatusLine(StrFormat("%lld of %lld tensors", static_cast<long long>(done),
                                               static_cast<long long>(count)));
    };
    ESP_ASSIGN_OR_RETURN(const QuantizeReport report,
                         QuantizeFolder(model_, output_,
                                        {.storage = storage_ == "int8" ? DType::kI8 : DType::kF16,
                                         .gate_pack = gate_pack_},
                                        show, context.interrupts.token()));
    context.console.ClearStatusLine();
    ESP_RETURN_IF_ERROR(context.console.Write(Summary(report, context.console.json())));
    return 0;
  }

 private:
  std::string Summary(const QuantizeReport& report, bool json) const {
    if (json) {
      return DumpLine({{"model", output_},
                       {"storage", storage_},
                       {"tensors", report.tensor_count},
                       {"kept", report.kept_count},
                       {"input_bytes", report.input_bytes},
                       {"output_bytes", report.output_bytes},
                       {"worst_relative_error", report.worst_relative}});
    }
    return StrFormat(
        "%s: %lld tensors as %s, %lld kept, %.1f MB of %.1f MB, error at most %.2f %%\n",
        output_.c_str(), static_cast<long long>(report.tensor_count), storage_.c_str(),
        static_cast<long long>(report.kept_count), static_cast<double>(report.output_bytes) / 1e6,
        static_cast<double>(report.input_bytes) / 1e6, 100 * report.worst_relative);
  }

  std::string model_;
  std::string storage_;
  std::string output_;
  std::string gate_pack_;
};

}  // namespace

std::unique_ptr<Verb> MakeQuantizeVerb() { return std::make_unique<QuantizeVerb>(); }

}  // namespace espalier::cli
