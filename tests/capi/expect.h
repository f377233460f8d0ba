/* EXPECT: says which condition failed, and goes on. */
#ifndef ESPALIER_TESTS_CAPI_EXPECT_H_
#define ESPALIER_TESTS_CAPI_EXPECT_H_

#include <stdio.h>

static int failures = 0;

#define EXPECT(condition)                                               \
  do {                                                                  \
    if (!(condition)) {                                                 \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
      failures++;                                                       \
    }                                                                   \
  } while (0)

#endif
