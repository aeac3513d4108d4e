/* SPDX-License-Identifier: ISC */
/* The files. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/idn.h"
#include "base/zbase32.h"
#include "crypto/hash.h"
#include "openpgp/cert/merge.h"
#include "os/file.h"
#include "trust/limits.h"
#include "trust/pages/pages_internal.h"

#define SHA1_SIZE 20u
#define PAGE_MAX (4 * TRUST_CERT_MAX)

int
trust_pages_hash(struct slice local, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf lower = { .max = TRUST_ADDRESS_MAX };
	uint8_t digest[SHA1_SIZE];
	int rc;

	for (size_t i = 0; i < local.len; i++)
		(void)buf_put_u8(&lower, ascii_lower(local.data[i]));
	rc = lower.err != 0 ? error_nomem(e) : hash_once(HASH_SHA1, buf_slice(&lower), digest, e);
	return rc != 0 ? rc : zbase32_write(out, slice_of(digest, sizeof digest));
}

/* Labels of letters, digits and hyphens, a dot between: never a path. */
static bool
is_domain(struct slice d)
{
	if (d.len == 0 || d.len > IDN_NAME_MAX || d.data[0] == '.' || d.data[d.len - 1] == '.')
		return false;
	for (size_t i = 0; i < d.len; i++) {
		uint8_t c = d.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
		    !(c == '.' && d.data[i - 1] != '.'))
			return false;
	}
	return true;
}

/* What is published is for everybody to read, whatever folders this program makes otherwise. */
static int
make_folder(const char *path, struct error *e)
{
	int rc = dir_make_private(path, e);

	if (rc == 0 && chmod(path, 0755) != 0)
		rc = error_set(e, ERR_DENIED, "%.300s cannot be made readable for others", path);
	return rc;
}

/* A folder below root, each of whose parts is made. */
static int
make_below(const char *root, const char *parts, char out[FILE_PATH_MAX], struct error *e)
{
	struct slice rest = slice_str(parts);
	int rc = snprintf(out, FILE_PATH_MAX, "%s", root) >= (int)FILE_PATH_MAX
	    ? error_set(e, ERR_LIMIT, "the folder's name is too long")
	    : 0;

	while (rc == 0 && rest.len > 0) {
		struct slice part = slice_split(rest, '/', &rest);
		char name[IDN_NAME_MAX + 20], above[FILE_PATH_MAX];

		(void)snprintf(
		    name, sizeof name, "%.*s", (int)size_min(part.len, sizeof name - 1), (const char *)part.data);
		(void)snprintf(above, sizeof above, "%s", out);
		rc = path_join(out, above, name, e);
		if (rc == 0)
			rc = make_folder(out, e);
	}
	return rc;
}

static int
write_at(const char *folder, const char *name, struct slice content, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = path_join(path, folder, name, e);

	return rc == 0 ? file_write_atomic(path, content, 0644, e) : rc;
}

/* One directory: its policy file, which must be there, and the certificate. */
static int
write_directory(const char *root, const char *parts, const char *hash, struct slice cert, struct error *e)
{
	char folder[FILE_PATH_MAX], hu[FILE_PATH_MAX];
	int rc = make_below(root, parts, folder, e);

	if (rc == 0)
		rc = write_at(folder, "policy", SLICE_EMPTY, e);
	if (rc == 0)
		rc = make_below(folder, "hu", hu, e);
	return rc == 0 ? write_at(hu, hash, cert, e) : rc;
}

static int
write_both(const char *root, const char *domain, const char *hash, struct slice cert, struct error *e)
{
	char parts[2 * IDN_NAME_MAX + 100];
	int rc;

	(void)snprintf(parts, sizeof parts, "%s/.well-known/openpgpkey", domain);
	rc = write_directory(root, parts, hash, cert, e);
	if (rc != 0)
		return rc;
	(void)snprintf(parts, sizeof parts, "openpgpkey.%s/.well-known/openpgpkey/%s", domain, domain);
	return write_directory(root, parts, hash, cert, e);
}

/* False: the address has no domain that could be one. */
static bool
names_of(struct slice address, struct buf *domain, struct buf *hash)
{
	size_t at = slice_find_last(address, '@');

	if (at == SIZE_MAX || at == 0 || idn_to_ascii(slice_from(address, at + 1), domain, NULL) != 0 ||
	    !is_domain(buf_slice(domain)) || trust_pages_hash(slice_sub(address, 0, at), hash, NULL) != 0)
		return false;
	return buf_put_u8(domain, 0) == 0 && buf_put_u8(hash, 0) == 0;
}

static int
write_address(const struct trust_pages *p, const char *root, struct slice address, size_t *count, struct error *e)
{
	BUF_OWNED struct buf cert = { .max = TRUST_CERT_MAX };
	BUF_OWNED struct buf domain = { .max = IDN_NAME_MAX + 1 };
	BUF_OWNED struct buf hash = { .max = 40 };
	const struct pgp_export how = {
		.third_party = PGP_THIRD_PARTY_DROP, .no_attributes = true, .only_address = address, .policy = p->policy
	};
	int rc;

	if (!names_of(address, &domain, &hash))
		return 0;
	rc = pgp_cert_export(p->cert, &how, &cert, e);
	if (rc == 0)
		rc = write_both(root, (const char *)domain.data, (const char *)hash.data, buf_slice(&cert), e);
	*count += rc == 0;
	return rc;
}

static int
write_page(const struct trust_pages *p, const char *folder, struct error *e)
{
	BUF_OWNED struct buf page = { .max = PAGE_MAX }, armored = { .max = PAGE_MAX };
	int rc = trust_pages_html(p, &page, e);

	if (rc == 0)
		rc = pages_armored(p, &armored, e);
	if (rc == 0)
		rc = write_at(folder, "key.html", buf_slice(&page), e);
	return rc == 0 ? write_at(folder, "key.asc", buf_slice(&armored), e) : rc;
}

int
trust_pages_write(const struct trust_pages *p, const char *folder, size_t *addresses_out, struct error *e)
{
	int rc = make_folder(folder, e);

	*addresses_out = 0;
	if (rc == 0)
		rc = write_page(p, folder, e);
	for (size_t i = 0; rc == 0 && i < p->cert->component_count; i++) {
		const struct pgp_component *k = &p->cert->components[i];

		if (k->kind == PGP_COMPONENT_USER_ID)
			rc = write_address(p, folder, pgp_user_id_address(k->packet.body), addresses_out, e);
	}
	return rc;
}
