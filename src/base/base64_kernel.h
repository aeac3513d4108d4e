/* SPDX-License-Identifier: ISC */
/* Inside base64: the two inner loops, by table or by vector instructions, chosen when they are called. */
#ifndef BASE_BASE64_KERNEL_H
#define BASE_BASE64_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_SLACK 32u /* octets that may be written behind the result when the caller says so */

struct base64_kernel {
	/*
	 * Encodes len octets, a multiple of 3. readable: octets that may be
	 * looked at from in on (len or more). slack: BASE64_SLACK characters
	 * behind the result may be overwritten.
	 */
	void (*encode)(const uint8_t *in, size_t len, size_t readable, uint8_t *out, int slack);
	/*
	 * Decodes groups of four characters until something outside of the
	 * alphabet stands in a group or fewer than four are left. Returns
	 * characters taken. BASE64_SLACK octets behind the result may be
	 * overwritten.
	 */
	size_t (*decode)(const uint8_t *in, size_t len, uint8_t *out);
};

const struct base64_kernel *base64_kernel(void);
extern const struct base64_kernel base64_kernel_table;

extern const uint8_t base64_alphabet[64];
extern const uint8_t base64_values[256]; /* 0-63, or 0xff */

#endif
