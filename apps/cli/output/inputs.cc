#include "apps/cli/output/inputs.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kProbeRate = 16000;  // any

bool IsCalledLikeAudio(const fs::path& path) {
  std::string suffix = path.extension().string();
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr std::string_view kSuffixes[] = {
      ".aac", ".aif", ".aiff", ".amr", ".au",  ".caf",  ".flac", ".m4a",  ".mka", ".mkv",
      ".mov", ".mp3", ".mp4",  ".oga", ".ogg", ".opus", ".wav",  ".webm", ".wma", ".wv"};
  return std::find(std::begin(kSuffixes), std::end(kSuffixes), suffix) != std::end(kSuffixes);
}

Status AddFolder(const std::string& folder, const RawAudioOptions& raw, Console* console,
                 std::vector<std::string>* inputs) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().front() != '.') entries.push_back(entry->path());
  }
  if (error) return InvalidArgument(folder + ": " + error.message());
  std::sort(entries.begin(), entries.end());
  const size_t before = inputs->size();
  for (const fs::path& path : entries) {
    // Nothing but files is opened: a named pipe would block.
    if (!fs::is_regular_file(path, error)) {
      console->Notice("skipped " + path.string() + ": not a file");
      continue;
    }
    if (!IsCalledLikeAudio(path)) {
      const auto audio = raw.Open(path.string(), kProbeRate);
      if (!audio.ok()) {
        console->Notice("skipped, no audio: " + audio.status().message());
        continue;
      }
    }
    inputs->push_back(path.string());
  }
  if (inputs->size() == before) return InvalidArgument(folder + ": no audio file in this folder");
  return OkStatus();
}

}  // namespace

Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& paths,
                                              const RawAudioOptions& raw, Console* console) {
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    return InvalidArgument("-: standard input can be read only once");
  }
  std::vector<std::string> inputs;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path != "-" && fs::is_directory(path, error)) {
      ESP_RETURN_IF_ERROR(AddFolder(path, raw, console, &inputs));
    } else {
      inputs.push_back(path);
    }
  }
  return inputs;
}

}  // namespace espalier::cli
