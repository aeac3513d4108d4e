/* SPDX-License-Identifier: ISC */
/* The two clocks. Pure floors get their values as parameters. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>

/* Seconds since 1970-01-01 00:00:00 UTC: dates. */
uint64_t clock_unix(void);
/* Milliseconds of a clock that never jumps: deadlines. Not comparable between machines or boots. */
int64_t clock_ms(void);
/* The same, and it goes on while the machine sleeps: how long a secret was held. */
int64_t clock_boot_ms(void);
/* Nanoseconds of clock_ms()'s clock: measuring. */
int64_t clock_ns(void);
/* Nanoseconds of a processor that the calling thread has taken so far. */
int64_t clock_thread_ns(void);

/* Minutes east of UTC of this machine's zone at that moment, for showing dates to people. */
int16_t clock_zone(int64_t unix_seconds);

#endif
