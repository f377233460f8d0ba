#include "apps/cli/live/microphone.h"

#include <fcntl.h>
#include <portaudio.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace espalier::cli {
namespace {

constexpr size_t kRingSamples = 1 << 21;  // 40 s at 48 kHz
constexpr int64_t kGoneAfterMs = 1000;

int64_t NowMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

// ALSA and JACK write to standard error what PortAudio finds missing on its way; it is of no use to
// anybody. Other threads' messages of that moment are lost too.
class SilentStandardError {
 public:
  SilentStandardError() : saved_(::dup(STDERR_FILENO)) {
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0) return;
    ::dup2(null, STDERR_FILENO);
    ::close(null);
  }
  ~SilentStandardError() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }
  SilentStandardError(const SilentStandardError&) = delete;
  SilentStandardError& operator=(const SilentStandardError&) = delete;

 private:
  int saved_;
};

// Initialised as long as one exists. PortAudio knows the devices of its start only.
class Library {
 public:
  static Result<std::unique_ptr<Library>> Start() {
    const SilentStandardError silent;
    const PaError error = Pa_Initialize();
    if (error != paNoError) {
      return Unsupported(std::string("audio devices: ") + Pa_GetErrorText(error));
    }
    return std::unique_ptr<Library>(new Library());
  }
  ~Library() { Pa_Terminate(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

 private:
  Library() = default;
};

std::vector<CaptureDevice> Devices() {
  std::vector<CaptureDevice> devices;
  for (int i = 0; i < Pa_GetDeviceCount(); ++i) {
    const PaDeviceInfo* info = Pa_GetDeviceInfo(i);
    if (info == nullptr || info->maxInputChannels < 1) continue;
    const PaHostApiInfo* host = Pa_GetHostApiInfo(info->hostApi);
    devices.push_back({.id = i,
                       .name = info->name,
                       .host = host != nullptr ? host->name : "",
                       .channels = info->maxInputChannels,
                       .default_rate = info->defaultSampleRate,
                       .is_default = i == Pa_GetDefaultInputDevice()});
  }
  return devices;
}

Result<CaptureDevice> Find(const std::string& wanted) {
  const std::vector<CaptureDevice> devices = Devices();
  if (devices.empty()) {
    return Status(StatusCode::kDeviceLost, "no capture device: is a microphone plugged in?");
  }
  int id = -1;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), id);
  const bool is_id = error == std::errc() && end == wanted.data() + wanted.size();
  const auto matches = [&](const CaptureDevice& device, bool whole) {
    if (wanted.empty()) return device.is_default;
    if (is_id) return device.id == id;
    return whole ? device.name == wanted : device.name.find(wanted) != std::string::npos;
  };
  for (const bool whole : {true, false}) {
    for (const CaptureDevice& device : devices) {
      if (matches(device, whole)) return device;
    }
  }
  if (wanted.empty()) return devices[0];
  return InvalidArgument("no capture device '" + wanted + "' (espalier devices lists them)");
}

}  // namespace

Result<std::vector<CaptureDevice>> ListCaptureDevices() {
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Library> library, Library::Start());
  return Devices();
}

struct Microphone::Stream {
  std::unique_ptr<Library> library;
  PaStream* stream = nullptr;
  SampleRing* ring = nullptr;
  std::atomic<int64_t>* device_overruns = nullptr;
  std::atomic<int64_t> last_callback_ms = 0;

  ~Stream() {
    if (stream != nullptr) {
      Pa_AbortStream(stream);
      Pa_CloseStream(stream);
    }
  }

  static int Capture(const void* input, void*, unsigned long frames,
                     const PaStreamCallbackTimeInfo*, PaStreamCallbackFlags flags, void* user) {
    auto* self = static_cast<Stream*>(user);
    if ((flags & paInputOverflow) != 0) {
      self->device_overruns->fetch_add(1, std::memory_order_relaxed);
    }
    if (input != nullptr) self->ring->Write({static_cast<const float*>(input), frames});
    self->last_callback_ms.store(NowMs(), std::memory_order_relaxed);
    return paContinue;
  }
};

Microphone::Microphone(std::string device, int sample_rate)
    : device_(std::move(device)), sample_rate_(sample_rate), ring_(kRingSamples) {}
Microphone::~Microphone() = default;

Result<std::unique_ptr<Microphone>> Microphone::Open(const std::string& device, int sample_rate) {
  std::unique_ptr<Microphone> microphone(new Microphone(device, sample_rate));
  ESP_RETURN_IF_ERROR(microphone->OpenStream());
  return microphone;
}

// At the model's rate if the device can, else at its own.
Status Microphone::OpenStream() {
  auto next = std::make_unique<Stream>();
  next->ring = &ring_;
  next->device_overruns = &device_overruns_;
  ESP_ASSIGN_OR_RETURN(next->library, Library::Start());
  ESP_ASSIGN_OR_RETURN(const CaptureDevice found, Find(device_));
  const PaStreamParameters parameters{
      .device = found.id,
      .channelCount = 1,
      .sampleFormat = paFloat32,
      .suggestedLatency = Pa_GetDeviceInfo(found.id)->defaultLowInputLatency,
      .hostApiSpecificStreamInfo = nullptr};
  PaError error = paNoError;
  for (const int rate : {sample_rate_, static_cast<int>(found.default_rate)}) {
    error = Pa_OpenStream(&next->stream, &parameters, nullptr, rate, paFramesPerBufferUnspecified,
                          paClipOff, &Stream::Capture, next.get());
    capture_rate_ = rate;
    if (error == paNoError) break;
    next->stream = nullptr;
  }
  if (error == paNoError) error = Pa_StartStream(next->stream);
  if (error != paNoError) return Unsupported(found.name + ": " + Pa_GetErrorText(error));
  resampler_.reset();
  if (capture_rate_ != sample_rate_) {
    ESP_ASSIGN_OR_RETURN(resampler_, Resampler::Create(capture_rate_, sample_rate_));
  }
  next->last_callback_ms = NowMs();
  name_ = found.name;
  if (!device_.empty()) device_ = found.name;
  stream_ = std::move(next);
  return OkStatus();
}

bool Microphone::alive() const {
  if (stream_ == nullptr) return false;
  return NowMs() - stream_->last_callback_ms.load(std::memory_order_relaxed) < kGoneAfterMs;
}

Status Microphone::Reopen() {
  Close();
  return OpenStream();
}

void Microphone::Close() { stream_.reset(); }

int64_t Microphone::overrun_count() const {
  return static_cast<int64_t>(ring_.overrun_count()) +
         device_overruns_.load(std::memory_order_relaxed);
}

double Microphone::lost_s() const {
  return static_cast<double>(ring_.lost_samples()) / std::max(capture_rate_, 1);
}

int64_t Microphone::backlog_samples() const {
  return static_cast<int64_t>(ring_.Size()) * sample_rate_ / std::max(capture_rate_, 1);
}

Result<std::vector<float>> Microphone::Read() {
  constexpr size_t kAtOnce = 4800;
  std::vector<float> samples(kAtOnce);
  if (resampler_ == nullptr) {
    samples.resize(ring_.Read(samples));
    return samples;
  }
  const size_t kept = captured_.size();
  captured_.resize(kept + kAtOnce);
  captured_.resize(kept + ring_.Read(std::span<float>(captured_).subspan(kept)));
  ESP_ASSIGN_OR_RETURN(const Resampler::Progress progress, resampler_->Process(captured_, samples));
  captured_.erase(captured_.begin(), captured_.begin() + static_cast<int64_t>(progress.taken));
  samples.resize(progress.produced);
  return samples;
}

}  // namespace espalier::cli
