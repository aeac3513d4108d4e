/* SPDX-License-Identifier: ISC */
#include "mime/address.h"
#include "mime/lex.h"

/* The next "<...>" from the cursor on, without spaces inside; quotes and comments between are passed over. */
static bool
next_id(struct mime_lex *l, struct slice *out)
{
	for (;;) {
		size_t start;

		(void)mime_lex_skip(l);
		if (mime_lex_peek(l) < 0)
			return false;
		start = l->at++;
		if (l->in.data[start] != '<')
			continue;
		while (mime_lex_peek(l) > 32 && mime_lex_peek(l) != '<' && mime_lex_peek(l) != '>')
			l->at++;
		if (mime_lex_peek(l) != '>' || l->at == start + 1)
			continue;
		l->at++;
		*out = slice_sub(l->in, start, l->at - start);
		return true;
	}
}

int
mime_ids_parse(struct slice value, struct arena *a, struct slice **ids_out, size_t *count_out, struct error *e)
{
	struct mime_lex l = { .in = value };
	struct slice id, *ids;
	size_t n = 0;

	while (n < MIME_IDS_MAX && next_id(&l, &id))
		n++;
	ids = arena_array(a, n + 1, sizeof *ids);
	if (ids == NULL)
		return error_set(e, a->err, "There is no memory left for message-ids.");
	l = (struct mime_lex){ .in = value };
	for (size_t i = 0; i < n; i++)
		(void)next_id(&l, &ids[i]);
	*ids_out = ids;
	*count_out = n;
	return 0;
}
