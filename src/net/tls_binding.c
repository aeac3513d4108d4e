/* SPDX-License-Identifier: ISC */
/* Channel binding data (RFC 5056) of a TLS connection. */
#include <openssl/err.h>
#include <openssl/x509.h>

#include "net/tls_internal.h"

static const char label[] = "EXPORTER-Channel-Binding";

size_t
tls_exporter(SSL *ssl, uint8_t *out)
{
	/*
	 * RFC 9266 section 2: before TLS 1.3 only with the extended master secret, or two connections could share one. There
	 * no context and an empty one are not the same; GnuTLS and others give none. For TLS 1.3 they are.
	 */
	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return 0;
	if (SSL_export_keying_material(ssl, out, CONN_EXPORTER_SIZE, label, sizeof label - 1, NULL, 0, 0) == 1)
		return CONN_EXPORTER_SIZE;
	ERR_clear_error();
	return 0;
}

size_t
tls_end_point(SSL *ssl, uint8_t *out)
{
	X509 *certificate = SSL_is_server(ssl) ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
	unsigned len = 0;
	int digest = NID_undef;
	const EVP_MD *md;

	/* RFC 5929 section 4.1: the signature's own hash, but not MD5 or SHA-1. Without a hash (Ed25519) there is no such data. */
	if (certificate == NULL || X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) != 1)
		digest = NID_undef;
	if (digest == NID_md5 || digest == NID_sha1)
		digest = NID_sha256;
	md = digest == NID_undef ? NULL : EVP_get_digestbynid(digest);
	if (md == NULL || EVP_MD_get_size(md) > (int)CONN_END_POINT_MAX || X509_digest(certificate, md, out, &len) != 1)
		len = 0;
	ERR_clear_error();
	return len;
}
