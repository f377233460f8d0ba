// Segments as subtitle cues that can be read: few short lines, cut where the speech has its joints
// (conventions §1.22).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/cli/writers/writer.h"

namespace espalier::cli {

struct Cue {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  std::vector<std::string> lines;  // none is empty
};

// Cuts after sentences rather than after clauses, after clauses rather than between words, and
// never inside a word: a word wider than the line has a line to itself. Scripts without spaces
// (Han, kana) may be cut between characters. Lines of a cue are of about equal length. Times of the
// cues of one segment are those of their words, where it has such, else they follow their share of
// its text. A segment without text gives none.
std::vector<Cue> SegmentCues(const Segment& segment, const WriterOptions& options);

}  // namespace espalier::cli
