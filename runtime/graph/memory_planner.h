// Places the slots of a plan in one arena: two slots may share bytes when their lives do not meet.
#pragma once

#include "runtime/graph/plan.h"

namespace espalier {

// Sets offset_bytes of every internal slot and arena_bytes. A slot lives from the first op that
// names it to the last; a tapped slot to the end of the plan. Offsets are multiples of 64 bytes.
void PlaceSlots(Plan* plan);

}  // namespace espalier
