/* SPDX-License-Identifier: ISC */
#include "service/signin/app_password.h"

#include <string.h>

#include "crypto/random.h"
#include "crypto/secret.h"

/* z-base-32's: no l, v, 0 or 2, which are read as others. */
static const char alphabet[32] = { 'y', 'b', 'n', 'd', 'r', 'f', 'g', '8', 'e', 'j', 'k', 'm', 'c', 'p', 'q', 'x', 'o',
	't', '1', 'u', 'w', 'i', 's', 'z', 'a', '3', '4', '5', 'h', '7', '6', '9' };

int
app_password_make(char out[APP_PASSWORD_LEN + 1], struct error *e)
{
	uint8_t random[APP_PASSWORD_LEN];
	int rc = random_bytes(random, sizeof random, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < APP_PASSWORD_LEN; i++)
		out[i] = (char)(i % (APP_PASSWORD_GROUP + 1) == APP_PASSWORD_GROUP ? '-' : alphabet[random[i] & 31]);
	out[APP_PASSWORD_LEN] = 0;
	secret_wipe(random, sizeof random);
	return 0;
}

bool
app_password_is(struct slice text)
{
	if (text.len != APP_PASSWORD_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool hyphen = i % (APP_PASSWORD_GROUP + 1) == APP_PASSWORD_GROUP;

		if (hyphen ? text.data[i] != '-' : memchr(alphabet, text.data[i], sizeof alphabet) == NULL)
			return false;
	}
	return true;
}
