# Tests in a sanitizer build bear the sanitizer's name, so that one ctest run can hold several
# builds, and run with the suppressions of tests/support/.

set(VRAMD_TEST_PREFIX "")
set(VRAMD_TEST_PROPERTIES "")
set(support ${PROJECT_SOURCE_DIR}/tests/support)
if(VRAMD_SANITIZE MATCHES thread)
  set(VRAMD_TEST_PREFIX tsan.)
  set(VRAMD_TEST_PROPERTIES ENVIRONMENT
    "TSAN_OPTIONS=ignore_noninstrumented_modules=1:second_deadlock_stack=1:suppressions=${support}/tsan.supp")
elseif(VRAMD_SANITIZE)
  set(VRAMD_TEST_PREFIX asan-ubsan.)
  set(VRAMD_TEST_PROPERTIES ENVIRONMENT
    "LSAN_OPTIONS=print_suppressions=0:suppressions=${support}/lsan.supp"
    ENVIRONMENT_MODIFICATION "UBSAN_OPTIONS=set:print_stacktrace=1")
endif()
