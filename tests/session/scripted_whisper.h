// A Whisper folder whose decoder says what the test wants, whatever it hears.
//
// All of its layers give zeros; the position table alone decides: the row of position p points at
// the embeddings of the tokens that may follow. Windows are 1 s long.
#pragma once

#include <string>
#include <vector>

namespace espalier::scripted_whisper {

inline constexpr int kEnd = 600;         // <|endoftext|>
inline constexpr int kNoSpeech = 606;    // <|nospeech|>
inline constexpr int kFirstTime = 608;   // <|0.00|>, to <|1.00|>
inline constexpr int kPositions = 24;    // of which half may be sampled
inline constexpr int kPromptTokens = 3;  // <|startoftranscript|>, <|en|>, the task

// "a" is kLetterA, "b" the next one, and so on.
inline constexpr int kLetterA = 64;

struct Script {
  // Tokens that are equally likely at each step, at most 14 in all; behind the last step anything.
  std::vector<std::vector<int>> steps;
  bool no_speech = false;  // what the decoder says after <|startoftranscript|>
};

// Writes the folder below the test's temporary folder and returns its path.
std::string WriteFolder(const Script& script);

}  // namespace espalier::scripted_whisper
