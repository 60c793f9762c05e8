/* What the two halves of the program share: checks that say where they failed, structs with a guard
 * behind them, and the field that only the newer headers have. */
#ifndef VRAMD_TESTS_ABI_PAIR_CHECK_H_
#define VRAMD_TESTS_ABI_PAIR_CHECK_H_

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vramd/vramd.h"
#include "vramd/vramd_stream.h"
#include "vramd/vramd_vulkan.h"

extern int failures;
extern bool library_is_newer;

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      ++failures;                                                                 \
      fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition, \
              vramd_last_error());                                                \
    }                                                                             \
  } while (0)
#define CHECK_OK(call) CHECK((call) == VRAMD_OK)

/* A struct that the library fills, and bytes behind it that are not the library's. */
#define GUARD_BYTES 64
#define OUTPUT(type, name, init)                \
  struct {                                      \
    type value;                                 \
    unsigned char guard[GUARD_BYTES];           \
  } name = {init, {0}};                         \
  memset(name.guard, 0x5a, sizeof(name.guard)); \
  SET_LATER(name.value)

bool is_untouched(const unsigned char* guard);

#ifdef VRAMD_TEST_NEWER
#define SET_LATER(object) (object).later = 0x5a5a5a5a5a5a5a5a
/* An older library clears what it does not know, a newer one fills it. */
#define CHECK_FILLED(name)         \
  CHECK(is_untouched(name.guard)); \
  CHECK(name.value.later == 0)
/* `call` with the field set: a library that does not know it must refuse, and name the struct. */
#define TRY_LATER(object, struct_name, call, undo)                    \
  do {                                                                \
    (object).later = 1;                                               \
    const vramd_result tried = (call);                                \
    if (library_is_newer) {                                           \
      CHECK(tried == VRAMD_OK);                                       \
      undo;                                                           \
    } else {                                                          \
      CHECK(tried == VRAMD_INVALID_ARGUMENT);                         \
      CHECK(strstr(vramd_last_error(), struct_name " has ") != NULL); \
    }                                                                 \
    (object).later = 0;                                               \
  } while (0)
#else
#define SET_LATER(object) (void)(object)
#define CHECK_FILLED(name) CHECK(is_untouched(name.guard))
#define TRY_LATER(object, struct_name, call, undo) (void)(object)
#endif

/* pair_vulkan.c. The lease is of an image. */
void check_vulkan(const vramd_lease* lease);

#endif /* VRAMD_TESTS_ABI_PAIR_CHECK_H_ */
