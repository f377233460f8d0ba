// Files of testdata/ and what the tokenizer tests ask of every tokenizer.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace espalier {

// The file at `path` below the workspace; fails the test when it is not there.
std::string ReadTestFile(const std::string& path);

// [[text, ids], ...] as make_expected_ids.py writes it.
std::vector<std::pair<std::string, std::vector<int>>> ReadExpectedIds(const std::string& path);

// 0 to `most` characters of all planes, many of them ASCII, spaces and apostrophes.
std::string RandomText(std::mt19937& generator, int most);

// Ids of the text are the expected ones, and ids give the text back.
void ExpectSameIds(const Tokenizer& tokenizer, const std::string& expected_ids_path);

// Any ids give valid UTF-8, and held-back tails never cut a character, however the ids are parted.
void ExpectWholeCharacters(const Tokenizer& tokenizer);

}  // namespace espalier
