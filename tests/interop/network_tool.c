/* SPDX-License-Identifier: ISC */
/*
 * The web of trust of a keyring as lines, for test_network.py:
 *
 *   network_tool KEYRING TIME STEP   for every STEP-th certificate as the one
 *                                    root: each one's fingerprint, amount and
 *                                    user ID
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openpgp/judge/network.h"

static int
fail(const struct error *e)
{
	(void)fprintf(stderr, "network_tool: %s\n", e->text);
	return 1;
}

static int
read_ring(const char *path, struct buf *out)
{
	uint8_t part[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		return -1;
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		(void)buf_put(out, part, n);
	return fclose(f) == 0 ? out->err : -1;
}

static void
put_fingerprint(const struct pgp_cert *c)
{
	const struct pgp_fingerprint *f = &c->primary->fingerprint;

	for (size_t i = 0; i < f->len; i++)
		(void)printf("%02X", f->bytes[i]);
}

static int
show(struct pgp_network *n, const struct pgp_cert *root, const struct pgp_cert *c, struct error *e)
{
	const struct pgp_network_root roots[] = { { .cert = root, .amount = 120, .depth = 255 } };

	for (size_t i = 1; i < c->component_count; i++) {
		const struct pgp_component *k = &c->components[i];
		struct pgp_network_result r;
		int rc;

		if (k->kind != PGP_COMPONENT_USER_ID)
			continue;
		rc = pgp_network_authenticate(n, roots, 1, c, k->packet.body, PGP_NETWORK_FULL, &r, e);
		if (rc != 0)
			return rc;
		put_fingerprint(root);
		(void)printf(" ");
		put_fingerprint(c);
		(void)printf(" %u %.*s\n", r.amount > PGP_NETWORK_FULL ? PGP_NETWORK_FULL : r.amount,
		    (int)k->packet.body.len, (const char *)k->packet.body.data);
		pgp_network_result_done(&r);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct error e = { 0 };
	struct pgp_policy policy;
	struct pgp_network *n = NULL;
	struct pgp_certs certs = { 0 };
	struct buf ring;
	size_t step;
	int rc;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: network_tool KEYRING TIME STEP\n");
		return 1;
	}
	buf_init(&ring, 1 << 30);
	if (read_ring(argv[1], &ring) != 0) {
		perror(argv[1]);
		return 1;
	}
	step = (size_t)strtoul(argv[3], NULL, 10);
	step = step == 0 ? 1 : step;
	policy = pgp_policy_default(strtoull(argv[2], NULL, 10));
	rc = pgp_certs_parse(buf_slice(&ring), &certs, &e);
	if (rc == 0)
		rc = pgp_network_new(&certs, &policy, policy.now, &n, &e);
	for (size_t i = 0; rc == 0 && i < certs.count; i += step)
		for (size_t k = 0; rc == 0 && k < certs.count; k++)
			rc = show(n, certs.items[i], certs.items[k], &e);
	pgp_network_free(n);
	pgp_certs_done(&certs);
	buf_done(&ring);
	return rc == 0 ? 0 : fail(&e);
}
