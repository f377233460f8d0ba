// Replays every file of the folder named on the command line: the corpus as an ordinary test. Files
// named good_* must be accepted, files named bad_* refused.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

int main(int argc, char** argv) {
  int replayed = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      std::fprintf(stderr, "%s\n",
                   entry.path().c_str());  // the last one shown is the one that failed
      fuzz_input_accepted = false;
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      const std::string name = entry.path().filename();
      if (name.starts_with("good_")) FUZZ_REQUIRE(fuzz_input_accepted);
      if (name.starts_with("bad_")) FUZZ_REQUIRE(!fuzz_input_accepted);
      ++replayed;
    }
  }
  std::fprintf(stderr, "%d inputs replayed\n", replayed);
  return replayed > 0 ? 0 : 1;
}
