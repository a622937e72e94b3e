/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SUPPORT_CMOCKA_H
#define TEST_SUPPORT_CMOCKA_H
/* CMocka with the headers it wants in front of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* the order matters: cmocka.h uses all of the above */
#include <cmocka.h>

#endif
