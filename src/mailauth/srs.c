/* SPDX-License-Identifier: ISC */
#include "mailauth/srs.h"

#include <string.h>

#include "base/base32.h"
#include "crypto/compare.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "mailauth/name.h"

#define HASH_CHARS 5u  /* 25 bits: each guess costs a message, and a right one gets one address written to */
#define HASH_OCTETS 5u /* of the HMAC; more than the characters that are used */
#define DAY_CHARS 2u
#define DAYS 1024u /* two characters of five bits: after that they come again */
#define DAY_SECONDS 86400u
#define TAG_LEN 5u      /* "SRS0=" */
#define LABEL_MAX 63u   /* octets (RFC 1035 section 2.3.4) */
#define HASHED_MAX 512u /* octets: a tag, a day, a domain and a local part */

struct reversed {
	struct slice hash;
	struct slice hashed; /* all that is, behind the "=" after hash */
	struct slice day, domain, local;
	bool again; /* an SRS1 */
};

static bool
is_letter(uint8_t c)
{
	uint8_t l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool
is_domain(struct slice domain)
{
	if (domain.len == 0 || domain.len > MAILAUTH_NAME_MAX)
		return false;
	while (domain.len > 0) {
		size_t dot = slice_find(domain, '.');
		struct slice label = slice_split(domain, '.', &domain);

		if (label.len == 0 || label.len > LABEL_MAX || (dot != SIZE_MAX && domain.len == 0))
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!is_letter(label.data[i]))
				return false;
	}
	return true;
}

/* A dot-atom of ASCII (RFC 5321 section 4.1.2): what needs no quotes. */
static bool
is_local(struct slice local)
{
	for (size_t i = 0; i < local.len; i++) {
		uint8_t c = local.data[i];

		if (!is_letter(c) && memchr("!#$%&'*+/=?^_`{|}~.", c, 19) == NULL)
			return false;
		if (c == '.' && (i == 0 || i + 1 == local.len || local.data[i - 1] == '.'))
			return false;
	}
	return local.len > 0;
}

/* What may stand behind "SRS0" and "SRS1". */
static bool
has_separator(struct slice text, size_t at)
{
	return text.len > at && memchr("=+-", text.data[at], 3) != NULL;
}

static bool
has_tag(struct slice local, uint8_t digit)
{
	return local.len > TAG_LEN && slice_istarts(local, SLICE("SRS")) && local.data[3] == digit &&
	    has_separator(local, TAG_LEN - 1);
}

bool
srs_is_rewritten(struct slice local)
{
	return has_tag(local, '0') || has_tag(local, '1');
}

/* SRS0 and SRS1 are hashed apart, and with what is between their pieces, so that none can be read as another. */
static int
make_hash(struct slice key, uint8_t digit, struct slice rest, char out[HASH_CHARS], struct error *e)
{
	BUF_OWNED struct buf in = { .max = HASHED_MAX }, text = { .max = HASH_OCTETS * 2 };
	uint8_t mac[HASH_SIZE_MAX];
	int rc;

	(void)buf_putf(&in, "srs%c=", digit);
	for (size_t i = 0; i < rest.len; i++)
		(void)buf_put_u8(&in, ascii_lower(rest.data[i]));
	if (in.err == ERR_LIMIT)
		return error_set(e, ERR_LIMIT, "The address is longer than one may be.");
	if (in.err != 0)
		return error_nomem(e);
	if ((rc = hmac_once(HASH_SHA256, key, buf_slice(&in), mac, e)) != 0)
		return rc;
	if (base32_write(&text, slice_of(mac, HASH_OCTETS)) != 0)
		return error_nomem(e);
	memcpy(out, text.data, HASH_CHARS);
	return 0;
}

static int
check_config(const struct srs_config *c, struct error *e)
{
	bool good = c->key_count > 0 && c->key_count <= MAILAUTH_SRS_KEYS_MAX && is_domain(c->domain);

	for (size_t i = 0; good && i < c->key_count; i++)
		good = c->keys[i].len >= SRS_KEY_MIN;
	return good ? 0
		    : error_set(e, ERR_USAGE, "Rewriting senders needs a key of %u octets, and a domain.", SRS_KEY_MIN);
}

/* Appends "SRS0=HHHHH=" and rest, and "@" and our domain. */
static int
put_address(const struct srs_config *c, uint8_t digit, struct slice rest, struct buf *out, struct error *e)
{
	char hash[HASH_CHARS];
	int rc;

	if (TAG_LEN + HASH_CHARS + 1 + rest.len > MAILAUTH_LOCAL_MAX)
		return error_set(e, ERR_LIMIT,
		    "The sender's address is too long to be rewritten: a local part has %u octets.",
		    MAILAUTH_LOCAL_MAX);
	if ((rc = make_hash(c->keys[0], digit, rest, hash, e)) != 0)
		return rc;
	(void)buf_putf(out, "SRS%c=%.*s=%.*s@", digit, (int)HASH_CHARS, hash, (int)rest.len, rest.data);
	if (buf_put_slice(out, c->domain) != 0)
		return error_set(e, out->err, "There is no room for the address.");
	return 0;
}

/* The piece before the next "=". */
static bool
piece(struct slice *rest, struct slice *out)
{
	size_t equals = slice_find(*rest, '=');

	if (equals == SIZE_MAX || equals == 0)
		return false;
	*out = slice_split(*rest, '=', rest);
	return true;
}

/* Of others' SRS1 the host stays that made the SRS0; of their SRS0 it is the sender's. */
static int
forward_again(const struct srs_config *c, struct slice local, struct slice domain, struct buf *out, struct error *e)
{
	struct slice rest = slice_from(local, TAG_LEN), hash, host;
	BUF_OWNED struct buf text = { .max = HASHED_MAX };

	if (has_tag(local, '1') && piece(&rest, &hash) && piece(&rest, &host) && is_domain(host) &&
	    has_separator(rest, 0))
		(void)buf_putf(&text, "%.*s=%.*s", (int)host.len, host.data, (int)rest.len, rest.data);
	else if (has_tag(local, '0'))
		(void)buf_putf(&text, "%.*s=%.*s", (int)domain.len, domain.data, (int)(local.len - TAG_LEN + 1),
		    local.data + TAG_LEN - 1);
	else
		return error_set(e, ERR_SYNTAX, "This is no address of the Sender Rewriting Scheme.");
	return text.err == ERR_NOMEM ? error_nomem(e) : put_address(c, '1', buf_slice(&text), out, e);
}

static int
forward_first(const struct srs_config *c, struct slice local, struct slice domain, struct buf *out, struct error *e)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned int day = (unsigned int)(c->now / DAY_SECONDS % DAYS);
	BUF_OWNED struct buf text = { .max = HASHED_MAX };

	(void)buf_putf(&text, "%c%c=%.*s=%.*s", digits[day >> 5], digits[day & 31], (int)domain.len, domain.data,
	    (int)local.len, local.data);
	return text.err == ERR_NOMEM ? error_nomem(e) : put_address(c, '0', buf_slice(&text), out, e);
}

int
srs_forward(const struct srs_config *config, struct slice sender, struct buf *out, struct error *e)
{
	size_t at = slice_find_last(sender, '@');
	struct slice local = slice_sub(sender, 0, at),
		     domain = slice_from(sender, at == SIZE_MAX ? sender.len : at + 1);
	int rc = check_config(config, e);

	if (rc != 0)
		return rc;
	if (at == SIZE_MAX || at == 0 || domain.len == 0)
		return error_set(e, ERR_SYNTAX, "The sender is no address.");
	if (!is_local(local) || !is_domain(domain))
		return error_set(e, ERR_UNSUPPORTED, "The sender's address has characters that cannot be rewritten.");
	if (mailauth_name_is(domain, config->domain))
		return buf_put_slice(out, sender) == 0 ? 0
						       : error_set(e, out->err, "There is no room for the address.");
	rc = srs_is_rewritten(local) ? forward_again(config, local, domain, out, e) : ERR_SYNTAX;
	/* What only looks like one is a name like others. */
	return rc == ERR_SYNTAX ? forward_first(config, local, domain, out, e) : rc;
}

/* All keys are tried, so that the time tells nothing of which. */
static int
check_hash(const struct srs_config *c, uint8_t digit, struct slice hash, struct slice rest, struct error *e)
{
	uint8_t given[HASH_CHARS];
	char made[HASH_CHARS];
	bool same = false;
	int rc;

	if (hash.len != HASH_CHARS)
		return error_set(e, ERR_INTEGRITY, "The address was not made here.");
	for (size_t i = 0; i < HASH_CHARS; i++)
		given[i] = ascii_upper(hash.data[i]);
	for (size_t i = 0; i < c->key_count; i++) {
		if ((rc = make_hash(c->keys[i], digit, rest, made, e)) != 0)
			return rc;
		same |= compare_equal(slice_of(given, HASH_CHARS), slice_of(made, HASH_CHARS));
	}
	return same ? 0 : error_set(e, ERR_INTEGRITY, "The address was not made here, or was changed.");
}

/* 0 to 31; only what has a right hash comes here. */
static unsigned int
day_digit(uint8_t c)
{
	c = ascii_upper(c);
	return (c >= 'A' ? c - (unsigned int)'A' : c - (unsigned int)'2' + 26) & 31u;
}

static int
check_day(const struct srs_config *c, struct slice day, struct error *e)
{
	unsigned int made = day_digit(day.data[0]) << 5 | day_digit(day.data[1]);
	unsigned int age = (unsigned int)(c->now / DAY_SECONDS + DAYS - made) % DAYS;
	unsigned int most = c->days == 0 ? SRS_DAYS : c->days;

	/* A day ahead is another server of ours whose clock is. */
	return age <= most || age == DAYS - 1 ? 0 : error_set(e, ERR_TIMEOUT, "The address has expired.");
}

static int
put_reversed(const char *tag, struct slice local, struct slice domain, struct buf *out, struct error *e)
{
	(void)buf_putf(out, "%s%.*s@", tag, (int)local.len, local.data);
	return buf_put_slice(out, domain) == 0 ? 0 : error_set(e, out->err, "There is no room for the address.");
}

/* "HHHHH=TT=domain=local" behind the tag, without the day in an SRS1. */
static bool
take_apart(struct slice rest, bool again, struct reversed *out)
{
	*out = (struct reversed){ .again = again };
	if (!piece(&rest, &out->hash))
		return false;
	out->hashed = rest;
	if (!again && (!piece(&rest, &out->day) || out->day.len != DAY_CHARS))
		return false;
	if (!piece(&rest, &out->domain) || !is_domain(out->domain))
		return false;
	out->local = rest;
	return is_local(rest) && (!again || has_separator(rest, 0));
}

int
srs_reverse(const struct srs_config *config, struct slice local, struct buf *out, struct error *e)
{
	struct reversed r;
	int rc = check_config(config, e);

	if (rc != 0)
		return rc;
	if (!srs_is_rewritten(local) || local.len > MAILAUTH_LOCAL_MAX ||
	    !take_apart(slice_from(local, TAG_LEN), has_tag(local, '1'), &r))
		return error_set(e, ERR_SYNTAX, "This is no address of the Sender Rewriting Scheme.");
	if ((rc = check_hash(config, r.again ? '1' : '0', r.hash, r.hashed, e)) != 0)
		return rc;
	if (r.again)
		return put_reversed("SRS0", r.local, r.domain, out, e);
	rc = check_day(config, r.day, e);
	return rc != 0 ? rc : put_reversed("", r.local, r.domain, out, e);
}
