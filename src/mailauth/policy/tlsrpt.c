/* SPDX-License-Identifier: ISC */
/* TLS-RPT: the record, and the names of things. */
#include "mailauth/policy/tlsrpt.h"

#include "mailauth/dmarc/record.h"
#include "mailauth/name.h"

const char *
tlsrpt_policy_text(enum tlsrpt_policy_type type)
{
	static const char *const texts[] = {
		[TLSRPT_NO_POLICY] = "no-policy-found", [TLSRPT_TLSA] = "tlsa", [TLSRPT_STS] = "sts"
	};

	return texts[type];
}

const char *
tlsrpt_result_text(enum tlsrpt_result result)
{
	static const char *const texts[] = {
		[TLSRPT_SUCCESS] = "successful",
		[TLSRPT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
		[TLSRPT_HOST_MISMATCH] = "certificate-host-mismatch",
		[TLSRPT_EXPIRED] = "certificate-expired",
		[TLSRPT_NOT_TRUSTED] = "certificate-not-trusted",
		[TLSRPT_VALIDATION_FAILURE] = "validation-failure",
		[TLSRPT_TLSA_INVALID] = "tlsa-invalid",
		[TLSRPT_DNSSEC_INVALID] = "dnssec-invalid",
		[TLSRPT_DANE_REQUIRED] = "dane-required",
		[TLSRPT_STS_FETCH_ERROR] = "sts-policy-fetch-error",
		[TLSRPT_STS_INVALID] = "sts-policy-invalid",
		[TLSRPT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
	};

	return texts[result];
}

/* ---- the record ---- */

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static struct slice
trim_blanks(struct slice s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool
is_name(struct slice s)
{
	if (s.len == 0 || s.len > 32 || !is_alnum(s.data[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_alnum(s.data[i]) && s.data[i] != '_' && s.data[i] != '-' && s.data[i] != '.')
			return false;
	return true;
}

/* Printable and without blanks; of URIs (RFC 3986) without what can stand in none. */
static bool
is_plain(struct slice s, const char *without)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] <= 0x20 || s.data[i] >= 0x7f)
			return false;
		if (slice_find(slice_str(without), s.data[i]) != SIZE_MAX)
			return false;
	}
	return s.len > 0;
}

/* Schemes that are not known, and addresses that are none, are passed over. */
static void
take_uri(struct slice text, struct tlsrpt_record *out)
{
	enum tlsrpt_scheme scheme = TLSRPT_MAILTO;

	if (slice_istarts(text, SLICE("https://")) && text.len > SLICE("https://").len)
		scheme = TLSRPT_HTTPS;
	else if (!dmarc_uri_is_mailto(text))
		return;
	if (out->count < TLSRPT_URIS_MAX)
		out->uris[out->count++] = (struct tlsrpt_uri){ .scheme = scheme, .text = text };
}

static bool
read_uris(struct slice value, struct tlsrpt_record *out)
{
	for (bool more = true; more;) {
		struct slice uri, rest;

		more = slice_find(value, ',') != SIZE_MAX;
		uri = trim_blanks(slice_split(value, ',', &rest));
		value = rest;
		if (!is_plain(uri, "<>\"\\^`{|}!"))
			return false;
		take_uri(uri, out);
	}
	return true;
}

/* Behind "v=TLSRPTv1". Of what comes twice the first counts. */
static bool
read_record(struct slice rest, struct tlsrpt_record *out)
{
	bool seen = false;

	rest = slice_from(trim_blanks(rest), 1);
	while (trim_blanks(rest).len > 0) {
		struct slice value, field = trim_blanks(slice_split(rest, ';', &rest));
		struct slice name = slice_split(field, '=', &value);

		if (!slice_eq_str(name, "rua")) {
			if (!is_name(name) || !is_plain(value, "="))
				return false;
		} else if (!seen) {
			if (!read_uris(value, out))
				return false;
			seen = true;
		}
	}
	return seen;
}

bool
tlsrpt_record_find(const struct slice *records, size_t count, struct tlsrpt_record *out)
{
	const struct slice version = SLICE("v=TLSRPTv1");
	struct tlsrpt_record record = { .count = 0 };
	bool good = false;
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		struct slice rest =
		    slice_starts(records[i], version) ? slice_from(records[i], version.len) : SLICE_EMPTY;

		rest = trim_blanks(rest);
		if (rest.len == 0 || rest.data[0] != ';')
			continue; /* another version, or something else */
		if (found++ == 0)
			good = read_record(rest, &record);
	}
	if (found != 1 || !good)
		return false;
	*out = record;
	return true;
}

/* ---- what the message is called ---- */

static bool
is_id(struct slice s)
{
	size_t at = slice_find(s, '@');

	if (s.len == 0 || s.len > TLSRPT_ID_MAX || at == 0 || at == s.len - 1)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (i != at && !is_alnum(s.data[i]) && s.data[i] != '.' && s.data[i] != '-' && s.data[i] != '_')
			return false;
	return at != SIZE_MAX;
}

static int
check_names(struct slice submitter, struct slice domain, struct error *e)
{
	if (!mailauth_name_can_be(submitter) || !mailauth_name_can_be(domain))
		return error_set(e, ERR_USAGE, "a TLS report is from a domain about a domain");
	return 0;
}

int
tlsrpt_report_file(
    const struct tlsrpt_report *r, struct slice submitter, struct slice domain, struct buf *out, struct error *e)
{
	int rc = check_names(submitter, domain, e);

	if (rc != 0)
		return rc;
	rc = buf_putf(out, "%.*s!%.*s!%lld!%lld.json", (int)submitter.len, (const char *)submitter.data,
	    (int)domain.len, (const char *)domain.data, (long long)r->begin, (long long)r->end);
	return rc == 0 ? 0 : error_set(e, rc, "the name of a TLS report's file is too long");
}

int
tlsrpt_report_subject(
    const struct tlsrpt_report *r, struct slice submitter, struct slice domain, struct buf *out, struct error *e)
{
	int rc = check_names(submitter, domain, e);

	if (rc != 0)
		return rc;
	if (!is_id(r->id))
		return error_set(e, ERR_USAGE, "a TLS report's identifier is like an address");
	rc = buf_putf(out, "Report Domain: %.*s Submitter: %.*s Report-ID: <%.*s>", (int)domain.len,
	    (const char *)domain.data, (int)submitter.len, (const char *)submitter.data, (int)r->id.len,
	    (const char *)r->id.data);
	return rc == 0 ? 0 : error_set(e, rc, "the subject of a TLS report is too long");
}
