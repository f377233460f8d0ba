// Suppressions are compiled in: files named in environment options are not found in a test's
// sandbox.
extern "C" {
const char* __lsan_default_suppressions();
const char* __tsan_default_suppressions();
const char* __lsan_default_suppressions() {
  return "leak:libportaudio\nleak:libasound\nleak:libvorbis\nleak:libvulkan\nleak:libLLVM\n";
}
const char* __tsan_default_suppressions() {
  return "race:libopenblas\nrace:libvulkan_lvp.so\ncalled_from_lib:libvulkan_lvp.so\n";
}
}
