// Row counts, fixed or of this run.
layout(binding = 0, std430) readonly buffer Lengths { uint lengths[]; };

uint Rows(uint code) {
  return (code & ESP_LENGTH_BIT) != 0u ? lengths[code & ~ESP_LENGTH_BIT] : code;
}
