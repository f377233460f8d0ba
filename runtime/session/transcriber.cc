#include "runtime/session/transcriber.h"

#include "runtime/session/window_loop.h"

namespace espalier {

Result<std::unique_ptr<Transcriber>> Transcriber::Create(std::shared_ptr<Engine> engine) {
  return std::unique_ptr<Transcriber>(engine->config().family == ModelFamily::kOwsm
                                          ? MakeOwsmTranscriber(std::move(engine))
                                          : MakeWhisperTranscriber(std::move(engine)));
}

}  // namespace espalier
