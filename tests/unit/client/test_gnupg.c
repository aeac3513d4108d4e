/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "client/key/gnupg.h"

static struct buf got;

static int
take(void *ctx, const struct gnupg_key *key, struct error *e)
{
	(void)ctx;
	(void)e;
	(void)buf_putf(&got, "%02X%02X %c%c%s ", key->fingerprint.bytes[0], key->fingerprint.bytes[1],
	    key->validity == 0 ? '-' : key->validity, key->owner_trust == 0 ? '-' : key->owner_trust,
	    key->secret ? " secret" : "");
	(void)buf_put_slice(&got, key->user_id);
	return buf_put_u8(&got, '\n');
}

static const struct {
	const char *list, *want;
} rows[] = {
	{ "", "" },
	{ "tru::1:1:2:3:1:5\npub:u:255:22:AA:1:2::u:::sc:\nfpr:::::::::D1A66E1A23B182C9980F788CFBFCC82A015E7330:\n"
	  "uid:u::::1::HASH::A \\x3a b\\x5c <a@example.org>:\nuid:u::::1::HASH::second:\n"
	  "sub:u:255:18:BB:1:2:::::e:\nfpr:::::::::0000000000000000000000000000000000000000:\n",
	    "D1A6 uu A : b\\ <a@example.org>\n" },
	{ "sec:f:255:22:AA:1:2::m:::sc:\nfpr:::::::::D1A66E1A23B182C9980F788CFBFCC82A015E7330:\n",
	    "D1A6 fm secret \n" },
	{ "pub:-:255:22:AA:1:2::-:::sc:\r\nfpr:::::::::D1A66E1A23B182C9980F788CFBFCC82A015E7330:\r\n", "D1A6 -- \n" },
	/* Without a fingerprint there is nothing to go by. */
	{ "pub:u:255:22:AA:1:2::u:::sc:\nuid:u::::1::HASH::A:\n", "" },
	{ "pub:u:255:22:AA:1:2::u:::sc:\nfpr:::::::::D1A6:\n", "" },
	{ "fpr:::::::::D1A66E1A23B182C9980F788CFBFCC82A015E7330:\n", "" },
	{ "pub:u\npub\n:::\n", "" },
};

static void
lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		got = (struct buf){ .max = 10000 };
		assert_ok(gnupg_list_parse(slice_str(rows[i].list), take, NULL, &unit_error));
		assert_slice(buf_slice(&got), rows[i].want);
		buf_done(&got);
	}
}

UNIT_MAIN(UNIT_TEST(lists))
