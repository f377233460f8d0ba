#include "apps/cli/output/job.h"

#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "runtime/base/atomic_file.h"
#include "runtime/base/file.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> FormatsOf(const OutputOptions& options) {
  if (!options.formats.empty()) return ParseFormats(options.formats);
  const std::string suffix = fs::path(options.output).extension().string();
  if (!suffix.empty() && IsFormat(suffix.substr(1))) return std::vector{suffix.substr(1)};
  return std::vector<std::string>{"txt"};
}

// A document of its own cannot follow another one; lines can.
bool CanBeConcatenated(const std::string& format) { return format == "txt" || format == "jsonl"; }

Status CheckOneOutput(size_t input_count, const std::vector<std::string>& formats,
                      const OutputOptions& options) {
  if (formats.size() > 1) {
    return InvalidArgument("several formats need --output-dir FOLDER");
  }
  const bool to_standard_output = options.output.empty() || options.output == kStandardOutput;
  if (input_count > 1 && !to_standard_output) {
    return InvalidArgument("-o is for one input; several need --output-dir FOLDER");
  }
  if (input_count > 1 && !CanBeConcatenated(formats[0])) {
    return InvalidArgument("several inputs as " + formats[0] + " need --output-dir FOLDER");
  }
  return OkStatus();
}

std::string StemOf(const std::string& input) {
  return input == "-" ? "stdin" : fs::path(input).stem().string();
}

std::string FileNameOf(const std::string& input) {
  return input == "-" ? "stdin" : fs::path(input).filename().string();
}

// The names of the results, without their suffixes.
Result<std::vector<std::string>> ResultNames(const std::vector<std::string>& inputs) {
  std::map<std::string, int> stems;
  for (const std::string& input : inputs) ++stems[StemOf(input)];
  std::map<std::string, std::string> input_of;
  std::vector<std::string> names;
  for (const std::string& input : inputs) {
    const std::string name = stems[StemOf(input)] > 1 ? FileNameOf(input) : StemOf(input);
    const auto [found, added] = input_of.emplace(name, input);
    if (!added) {
      return InvalidArgument(found->second + " and " + input +
                             ": their results would have the same name; decode them one by one");
    }
    names.push_back(name);
  }
  return names;
}

Status MakeFolder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Unwritable(folder + ": " + error.message());
  if (!fs::is_directory(folder, error)) return Unwritable(folder + ": not a folder");
  return OkStatus();
}

// A file can be made there. Special files (a pipe, /dev/null) are not opened before their time.
Status CheckWritable(const std::string& path) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error) &&
      !fs::is_directory(path, error)) {
    return OkStatus();
  }
  return AtomicFile::Create(path).status();
}

Status CheckOutputs(const std::vector<Job>& jobs, const OutputOptions& options) {
  std::set<std::string> checked_folders;
  std::error_code error;
  for (const Job& job : jobs) {
    for (const Output& output : job.outputs) {
      if (output.path == kStandardOutput) continue;
      const bool exists = fs::exists(output.path, error);
      for (const Job& other : jobs) {
        if (exists && other.input != "-" && fs::equivalent(other.input, output.path, error)) {
          return InvalidArgument(output.path + ": would replace an input");
        }
      }
      if (!options.force && fs::is_regular_file(output.path, error)) {
        return Unwritable(output.path + ": exists; --force replaces it");
      }
      const std::string folder = fs::path(output.path).parent_path().string();
      if (fs::is_directory(output.path, error) || checked_folders.insert(folder).second) {
        ESP_RETURN_IF_ERROR(CheckWritable(output.path));
      }
    }
  }
  return OkStatus();
}

}  // namespace

Result<std::vector<Job>> PlanJobs(const std::vector<std::string>& inputs,
                                  const OutputOptions& options) {
  ESP_ASSIGN_OR_RETURN(const std::vector<std::string> formats, FormatsOf(options));
  std::vector<Job> jobs;
  if (options.output_dir.empty()) {
    ESP_RETURN_IF_ERROR(CheckOneOutput(inputs.size(), formats, options));
    const std::string path = options.output.empty() ? kStandardOutput : options.output;
    for (const std::string& input : inputs) jobs.push_back({input, {{formats[0], path}}});
  } else {
    ESP_ASSIGN_OR_RETURN(const std::vector<std::string> names, ResultNames(inputs));
    ESP_RETURN_IF_ERROR(MakeFolder(options.output_dir));
    for (size_t i = 0; i < inputs.size(); ++i) {
      Job job{inputs[i], {}};
      for (const std::string& format : formats) {
        job.outputs.push_back(
            {format, (fs::path(options.output_dir) / (names[i] + "." + format)).string()});
      }
      jobs.push_back(std::move(job));
    }
  }
  ESP_RETURN_IF_ERROR(CheckOutputs(jobs, options));
  return jobs;
}

}  // namespace espalier::cli
