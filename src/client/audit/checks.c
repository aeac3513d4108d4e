/* SPDX-License-Identifier: ISC */
#include "client/audit/checks.h"

const char *const audit_group_titles[AUDIT_GROUPS] = {
	[AUDIT_NAMES] = "Where mail goes",
	[AUDIT_CONNECTION] = "Reaching the servers",
	[AUDIT_ENCRYPTION] = "Encryption on the way",
	[AUDIT_CERTIFICATE] = "Certificates",
	[AUDIT_POLICY] = "What senders can rely on",
	[AUDIT_SENDERS] = "Who may write as the domain",
	[AUDIT_PEOPLE] = "For the domain's people",
};

const struct audit_row audit_rows[CHECK_COUNT] = {
	/* ---- names ---- */
	[CHECK_DNSSEC] = { "dnssec", AUDIT_NAMES, "DNSSEC",
	    "Sign the zone with DNSSEC and have the DS record put into the zone above. Without it, whoever forges DNS "
	    "answers "
	    "chooses where the mail goes, and DANE cannot be used." },
	[CHECK_MX] = { "mx", AUDIT_NAMES, "mail servers",
	    "Publish MX records that name the servers which take the domain's mail; or, when it takes none, the null "
	    "MX "
	    "\"0 .\" (RFC 7505). Where signatures are wrong, sign the zone anew, or have the DS record in the zone "
	    "above put right." },
	[CHECK_MX_ALIAS] = { "mx-alias", AUDIT_NAMES, "mail servers' names",
	    "Let the MX record name the host itself: one that leads to a CNAME is not permitted (RFC 5321 section "
	    "5.1), and some "
	    "senders refuse it." },
	[CHECK_MX_RESOLVES] = { "mx-resolves", AUDIT_NAMES, "addresses of the mail servers",
	    "Give the host an address in DNS, or take it out of the MX records." },
	[CHECK_MX_AGREE] = { "mx-agree", AUDIT_NAMES, "other resolvers",
	    "The resolvers do not agree where the mail goes. One may have an old answer; if it stays so, one of them "
	    "lies: "
	    "sign the zone with DNSSEC, and tell whoever runs that resolver." },
	/* ---- connection ---- */
	[CHECK_REACH] = { "reach", AUDIT_CONNECTION, "answer on port 25",
	    "Let the server listen there and open the firewall. Many home and company networks block port 25 on the "
	    "way out: "
	    "then run this audit from another network." },
	[CHECK_STARTTLS] = { "starttls", AUDIT_CONNECTION, "STARTTLS",
	    "Give the mail server a certificate and switch STARTTLS on (Postfix: smtpd_tls_security_level = may). "
	    "Until then "
	    "everybody on the way reads every letter." },
	[CHECK_STRIPPED] = { "starttls-stripped", AUDIT_CONNECTION, "STARTTLS taken away",
	    "Something between here and the server changes what the server says, so that mail goes in clear. Switch "
	    "off "
	    "\"SMTP inspection\" or \"fixup\" in firewalls on both sides, look from another network, and publish DANE "
	    "or MTA-STS so "
	    "that senders notice." },
	[CHECK_PATHS] = { "starttls-paths", AUDIT_CONNECTION, "the same on every way",
	    "One address of the host offers STARTTLS and another does not: set all of them up alike, and look whether "
	    "something on one of the ways takes it away." },
	[CHECK_BEHIND] = { "starttls-behind", AUDIT_CONNECTION, "octets behind STARTTLS",
	    "Octets stood behind the answer to STARTTLS, before TLS: update the server, or look who puts them in." },
	/* ---- encryption ---- */
	[CHECK_HANDSHAKE] = { "handshake", AUDIT_ENCRYPTION, "handshake",
	    "The server offers TLS and cannot do it: senders then fall back to clear text or give up. Look at its "
	    "certificate and key files, and at its log." },
	[CHECK_VERSIONS] = { "tls-versions", AUDIT_ENCRYPTION, "versions of TLS",
	    "Update the server's TLS library and permit TLS 1.2 and 1.3 (RFC 9325)." },
	[CHECK_OLD_VERSIONS] = { "tls-old-versions", AUDIT_ENCRYPTION, "old versions of TLS",
	    "Switch off SSL 3.0, and TLS 1.0 and 1.1 (RFC 8996) when no old sender needs them any more." },
	[CHECK_CIPHER] = { "tls-cipher", AUDIT_ENCRYPTION, "cipher",
	    "Permit ECDHE cipher suites and put them first: otherwise who gets the server's key one day reads all that "
	    "was recorded before." },
	[CHECK_WEAK_CIPHERS] = { "tls-weak-ciphers", AUDIT_ENCRYPTION, "weak ciphers",
	    "Switch off what is named here (RFC 9325 section 4.1): RC4, 3DES, export and NULL suites at once, RSA key "
	    "exchange when "
	    "no old sender needs it any more." },
	/* ---- certificates ---- */
	[CHECK_CERT_NAME] = { "cert-name", AUDIT_CERTIFICATE, "name in the certificate",
	    "Get a certificate that has the MX host's name among its names (subjectAltName)." },
	[CHECK_CERT_CHAIN] = { "cert-chain", AUDIT_CERTIFICATE, "who vouches for it",
	    "Get a certificate of a public authority, such as Let's Encrypt, and let the server send the intermediate "
	    "certificates with it; or publish its key by DANE." },
	[CHECK_CERT_TIME] = { "cert-time", AUDIT_CERTIFICATE, "its time",
	    "Renew the certificate, by itself and in time." },
	[CHECK_CERT_KEY] = { "cert-key", AUDIT_CERTIFICATE, "its key and signature",
	    "Make a new key: EC P-256, or RSA with 2048 bits at least, and have it certified with SHA-256." },
	/* ---- policies ---- */
	[CHECK_DANE] = { "dane", AUDIT_POLICY, "DANE",
	    "Sign the zones of the domain and of the mail servers, and publish a TLSA record \"3 1 1\" at _25._tcp of "
	    "each "
	    "server (RFC 7672): senders then never deliver to somebody else." },
	[CHECK_DANE_MATCH] = { "dane-match", AUDIT_POLICY, "DANE and the server's key",
	    "Mail of senders that check DANE is lost now. Publish the TLSA record of the key that the server has "
	    "(`letterlockd domain records` and `openssl x509 -pubkey` tell it), and take away wrong ones." },
	[CHECK_DANE_ROLL] = { "dane-rollover", AUDIT_POLICY, "DANE's records",
	    "A record that fits nothing is right while a key is being changed: the next key's record must stand beside "
	    "the old one for two TTLs before the server takes it. Otherwise remove it." },
	[CHECK_STS] = { "mta-sts", AUDIT_POLICY, "MTA-STS",
	    "Publish a policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt and the TXT record _mta-sts (RFC "
	    "8461)." },
	[CHECK_STS_POLICY] = { "mta-sts-policy", AUDIT_POLICY, "MTA-STS policy",
	    "Serve the policy as text/plain over HTTPS from mta-sts.DOMAIN, without redirects, with a certificate for "
	    "that "
	    "name." },
	[CHECK_STS_MODE] = { "mta-sts-mode", AUDIT_POLICY, "MTA-STS mode",
	    "When the reports (TLS-RPT) are quiet for some weeks, change the policy's mode to enforce." },
	[CHECK_STS_HOSTS] = { "mta-sts-hosts", AUDIT_POLICY, "MTA-STS and the servers",
	    "Add an mx: line to the policy for each MX host, change the record's id, and only then change MX "
	    "records." },
	[CHECK_STS_CERT] = { "mta-sts-cert", AUDIT_POLICY, "MTA-STS and the certificate",
	    "MTA-STS needs a certificate of a public authority for the MX host's name; without it senders that enforce "
	    "the policy do not deliver." },
	[CHECK_STS_AGE] = { "mta-sts-max-age", AUDIT_POLICY, "MTA-STS is remembered",
	    "Set max_age to some weeks or more: what senders forget within a day protects nobody (RFC 8461 section "
	    "3.2)." },
	[CHECK_TLSRPT] = { "tls-rpt", AUDIT_POLICY, "reports on failing TLS",
	    "Publish the TXT record _smtp._tls with \"v=TLSRPTv1; rua=mailto:ADDRESS\" (RFC 8460): others then tell "
	    "daily "
	    "what failed." },
	[CHECK_ENFORCED] = { "enforced", AUDIT_POLICY, "protection against switching TLS off",
	    "Publish DANE or an enforced MTA-STS policy: without either of them whoever is on the way can take "
	    "STARTTLS "
	    "away, and the mail goes in clear." },
	/* ---- who may write as the domain ---- */
	[CHECK_SPF] = { "spf", AUDIT_SENDERS, "SPF",
	    "Publish exactly one TXT record that begins with v=spf1 and names the servers which send for the domain "
	    "(RFC 7208); \"v=spf1 -all\" when none does." },
	[CHECK_SPF_ALL] = { "spf-all", AUDIT_SENDERS, "SPF and all others",
	    "End the record with -all (or ~all while trying it out): +all and ?all permit everybody." },
	[CHECK_SPF_LOOKUPS] = { "spf-lookups", AUDIT_SENDERS, "SPF look-ups",
	    "Receivers stop after ten look-ups and count the record as broken (RFC 7208 section 4.6.4): replace "
	    "include, a and mx "
	    "by ip4 and ip6 where you can." },
	[CHECK_DKIM] = { "dkim", AUDIT_SENDERS, "DKIM",
	    "Publish the public key at SELECTOR._domainkey and sign what the domain sends (RFC 6376). The selector "
	    "stands "
	    "in the DKIM-Signature field of any letter of the domain, as s=." },
	[CHECK_DKIM_KEY] = { "dkim-key", AUDIT_SENDERS, "DKIM key",
	    "Make a new key under a new selector: Ed25519, and RSA with 2048 bits beside it." },
	[CHECK_DMARC] = { "dmarc", AUDIT_SENDERS, "DMARC",
	    "Publish one TXT record at _dmarc, to begin with \"v=DMARC1; p=none; rua=mailto:ADDRESS\" (RFC 9989)." },
	[CHECK_DMARC_POLICY] = { "dmarc-policy", AUDIT_SENDERS, "DMARC policy",
	    "When the reports show that all own mail passes, set p=quarantine and then p=reject: p=none stops "
	    "nobody." },
	[CHECK_DMARC_REPORTS] = { "dmarc-reports", AUDIT_SENDERS, "DMARC reports",
	    "Name an address in rua=; and when it is in another domain, that one must agree by a TXT record at "
	    "DOMAIN._report._dmarc (RFC 9990)." },
	/* ---- people ---- */
	[CHECK_WKD] = { "wkd", AUDIT_PEOPLE, "Web Key Directory",
	    "Serve https://openpgpkey.DOMAIN/.well-known/openpgpkey/DOMAIN/policy (it may be empty) and the people's "
	    "keys beside it: others then find them and can seal letters." },
	[CHECK_KEYSERVER] = { "keyserver", AUDIT_PEOPLE, "key directory",
	    "Name it in the SRV record _pgpkey-https._tcp, so that programs find it." },
	[CHECK_SERVICES] = { "services", AUDIT_PEOPLE, "servers for mail programs",
	    "Publish SRV records _submissions._tcp and _imaps._tcp (RFC 8314): mail programs then set themselves up, "
	    "with TLS "
	    "from the first octet." },
};

const char *
audit_result_word(enum audit_result r)
{
	static const char *const words[] = { "good", "note", "weak", "bad", "unknown" };

	return words[r];
}
