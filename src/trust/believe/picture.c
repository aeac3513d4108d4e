/* SPDX-License-Identifier: ISC */
#include "trust/believe/picture.h"

#include "base/printable.h"
#include "trust/believe/believe_internal.h"

/* Pixels */
#define BOX_WIDTH 250
#define BOX_HEIGHT 86
#define COLUMN 400
#define ROW 122
#define MARGIN 30
#define HEAD 84
#define LINE 20
#define LANE 30   /* below the boxes, for edges that pass over a column */
#define WRAP 116u /* octets of a sentence in one line */

struct drawn_node {
	const struct pgp_cert *cert;
	struct slice user_id; /* that an edge speaks of; empty: the first */
	unsigned column, row;
};

struct drawn_edge {
	const struct pgp_certification *c;
	size_t from, to;
	unsigned carried;
	unsigned lane; /* 0: straight to the next column */
};

struct picture {
	const struct believer *b;
	const struct belief *x;
	struct drawn_node nodes[PICTURE_NODES_MAX];
	size_t node_count;
	struct drawn_edge edges[PICTURE_EDGES_MAX];
	size_t edge_count;
	bool cut;
	unsigned columns, rows, lanes;
	struct buf *out;
};

/* ---- what is drawn ---- */

/* SIZE_MAX when there is no more room. */
static size_t
node_of(struct picture *p, const struct pgp_cert *cert)
{
	for (size_t i = 0; i < p->node_count; i++)
		if (p->nodes[i].cert == cert)
			return i;
	if (p->node_count == PICTURE_NODES_MAX) {
		p->cut = true;
		return SIZE_MAX;
	}
	p->nodes[p->node_count] = (struct drawn_node){ .cert = cert };
	return p->node_count++;
}

static void
add_edge(struct picture *p, const struct pgp_certification *c, unsigned amount)
{
	size_t from = node_of(p, c->issuer), to = node_of(p, c->target);

	if (from == SIZE_MAX || to == SIZE_MAX || from == to)
		return;
	if (p->nodes[to].user_id.len == 0 && c->component->kind == PGP_COMPONENT_USER_ID)
		p->nodes[to].user_id = c->component->packet.body;
	for (size_t i = 0; i < p->edge_count; i++)
		if (p->edges[i].from == from && p->edges[i].to == to) {
			p->edges[i].carried += amount;
			return;
		}
	if (p->edge_count == PICTURE_EDGES_MAX)
		p->cut = true;
	else
		p->edges[p->edge_count++] = (struct drawn_edge){ c, from, to, amount, 0 };
}

static void
collect(struct picture *p)
{
	const struct pgp_network_result *r = &p->x->paths;

	p->nodes[node_of(p, p->x->cert)].user_id = p->x->user_id;
	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; k < r->paths[i].count; k++)
			add_edge(p, r->paths[i].edges[k], r->paths[i].amount);
}

/* ---- where ---- */

/* Each to the right of those that speak for it. Paths may cross each other in circles: so not without end. */
static void
choose_columns(struct picture *p)
{
	bool moved = true;

	for (size_t round = 0; moved && round < PICTURE_COLUMNS_MAX; round++) {
		moved = false;
		for (size_t i = 0; i < p->edge_count; i++) {
			const struct drawn_node *from = &p->nodes[p->edges[i].from];
			struct drawn_node *to = &p->nodes[p->edges[i].to];

			if (to->column <= from->column && from->column + 1 < PICTURE_COLUMNS_MAX) {
				to->column = from->column + 1;
				moved = true;
			}
		}
	}
	/* The target is the first node: nobody stands beside it. */
	for (size_t i = 1; i < p->node_count; i++)
		if (p->nodes[i].column >= p->nodes[0].column && p->edge_count > 0)
			p->nodes[0].column = p->nodes[i].column + 1;
	p->columns = p->nodes[0].column + 1;
}

static void
choose_rows(struct picture *p)
{
	unsigned used[PICTURE_COLUMNS_MAX + 1] = { 0 };

	for (size_t i = 0; i < p->node_count; i++) {
		struct drawn_node *v = &p->nodes[i];

		v->row = used[v->column]++;
		p->rows = v->row >= p->rows ? v->row + 1 : p->rows;
	}
	/* Shorter columns stand in the middle: in half rows. */
	for (size_t i = 0; i < p->node_count; i++)
		p->nodes[i].row = 2 * p->nodes[i].row + (p->rows - used[p->nodes[i].column]);
}

/* Who speaks over the heads of others goes below them all. */
static void
choose_lanes(struct picture *p)
{
	for (size_t i = 0; i < p->edge_count; i++)
		if (p->nodes[p->edges[i].to].column != p->nodes[p->edges[i].from].column + 1)
			p->edges[i].lane = ++p->lanes;
}

static int
left_of(const struct drawn_node *v)
{
	return MARGIN + (int)v->column * COLUMN;
}

static int
top_of(const struct drawn_node *v)
{
	return HEAD + (int)v->row * ROW / 2;
}

/* ---- writing ---- */

static void
put_xml(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case '<':
			(void)buf_put_str(out, "&lt;");
			break;
		case '>':
			(void)buf_put_str(out, "&gt;");
			break;
		case '&':
			(void)buf_put_str(out, "&amp;");
			break;
		case '"':
			(void)buf_put_str(out, "&quot;");
			break;
		default:
			(void)buf_put_u8(out, text.data[i]);
		}
	}
}

static void
put_peer(struct buf *out, struct slice text, size_t max)
{
	BUF_OWNED struct buf plain = { .max = BELIEVE_SENTENCE_MAX };

	(void)printable_put(&plain, text, PRINTABLE_LINE, max);
	put_xml(out, buf_slice(&plain));
}

static void
put_text(struct buf *out, int x, int y, const char *class, struct slice text, size_t max)
{
	(void)buf_putf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	put_peer(out, text, max);
	(void)buf_put_str(out, "</text>\n");
}

/* Groups of four, half of them a line. */
static void
put_fingerprint(struct buf *out, const struct pgp_fingerprint *f, int y)
{
	size_t half = f->len / 2;

	for (size_t line = 0; line < 2; line++) {
		(void)buf_putf(out, "<text x=\"12\" y=\"%d\" class=\"fpr\">", y + (int)line * 14);
		for (size_t i = line * half; i < (line + 1) * half; i++)
			(void)buf_putf(out, "%s%02X", i > line * half && i % 2 == 0 ? " " : "", f->bytes[i]);
		(void)buf_put_str(out, "</text>\n");
	}
}

static const char *
kind_of(const struct picture *p, size_t n)
{
	const struct believe_root *r = believer_root(p->b, &p->nodes[n].cert->primary->fingerprint);

	if (r != NULL)
		return r->own ? "own" : "root";
	return n == 0 ? "target" : "other";
}

static struct slice
user_id_of(const struct drawn_node *v)
{
	if (v->user_id.len > 0)
		return v->user_id;
	for (size_t i = 1; i < v->cert->component_count; i++)
		if (v->cert->components[i].kind == PGP_COMPONENT_USER_ID)
			return v->cert->components[i].packet.body;
	return SLICE("(no name)");
}

/* A picture in the picture: what is too wide for the box is cut off by it. */
static void
put_node(const struct picture *p, size_t n)
{
	const struct drawn_node *v = &p->nodes[n];
	struct slice user_id = user_id_of(v), address = pgp_user_id_address(user_id), name = user_id;
	size_t at = slice_find(user_id, '<');

	if (address.len > 0 && at != SIZE_MAX)
		name = at > 0 ? slice_trim(slice_sub(user_id, 0, at)) : address;
	(void)buf_putf(p->out, "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\">\n", left_of(v), top_of(v), BOX_WIDTH,
	    BOX_HEIGHT);
	(void)buf_putf(p->out, "<rect x=\"1.5\" y=\"1.5\" width=\"%d\" height=\"%d\" rx=\"8\" class=\"box %s%s\"/>\n",
	    BOX_WIDTH - 3, BOX_HEIGHT - 3, kind_of(p, n), n == 0 ? " asked" : "");
	put_text(p->out, 12, 23, "name", name, 30);
	put_text(p->out, 12, 41, "mail", slice_eq(name, address) ? SLICE_EMPTY : address, 38);
	put_fingerprint(p->out, &v->cert->primary->fingerprint, 60);
	(void)buf_put_str(p->out, "</svg>\n");
}

static void
put_label(const struct picture *p, const struct drawn_edge *e, int x, int y)
{
	(void)buf_putf(p->out, "<text x=\"%d\" y=\"%d\" class=\"edge\">%u", x, y, e->c->amount);
	if (e->c->depth == 255)
		(void)buf_put_str(p->out, ", any depth");
	else if (e->c->depth > 0)
		(void)buf_putf(p->out, ", depth %u", e->c->depth);
	if (e->c->scoped)
		(void)buf_put_str(p->out, ", scoped");
	(void)buf_put_str(p->out, "</text>\n");
}

static int
lane_y(const struct picture *p, const struct drawn_edge *e)
{
	return HEAD + (int)p->rows * ROW - (ROW - BOX_HEIGHT) + (int)e->lane * LANE;
}

/* A curve from the right side of one box to the left side of the other; through its lane when it has one. */
static void
put_curve(const struct picture *p, const struct drawn_edge *e)
{
	const struct drawn_node *from = &p->nodes[e->from], *to = &p->nodes[e->to];
	int x0 = left_of(from) + BOX_WIDTH, y0 = top_of(from) + BOX_HEIGHT / 2;
	int x1 = left_of(to) - 9, y1 = top_of(to) + BOX_HEIGHT / 2, bend = (COLUMN - BOX_WIDTH) / 2;

	(void)buf_putf(p->out, "<path d=\"M%d %d C%d %d ", x0, y0, x0 + bend, y0);
	if (e->lane > 0)
		(void)buf_putf(p->out, "%d %d %d %d L%d %d C%d %d ", x0 + bend / 3, lane_y(p, e), x0 + bend + 20,
		    lane_y(p, e), x1 - bend - 20, lane_y(p, e), x1 - bend / 3, lane_y(p, e));
	(void)buf_putf(p->out, "%d %d %d %d\" class=\"line\" stroke-width=\"%.1f\" marker-end=\"url(#tip)\"/>\n",
	    x1 - bend, y1, x1, y1, 1.2 + (e->carried > 120 ? 120 : e->carried) / 60.0);
}

static void
put_curve_label(const struct picture *p, const struct drawn_edge *e)
{
	const struct drawn_node *from = &p->nodes[e->from], *to = &p->nodes[e->to];
	int y0 = top_of(from) + BOX_HEIGHT / 2, y1 = top_of(to) + BOX_HEIGHT / 2;
	int x = (left_of(from) + BOX_WIDTH + left_of(to)) / 2;

	put_label(p, e, x, (e->lane > 0 ? lane_y(p, e) : (y0 + y1) / 2) - 7);
}

/* The next line of a sentence, broken at a space where there is one. */
static struct slice
next_line(struct slice *s)
{
	struct slice line = *s;
	size_t n = s->len;

	if (n > WRAP) {
		size_t space = slice_find_last(slice_sub(*s, 0, WRAP), ' ');

		n = space == SIZE_MAX || space == 0 ? WRAP : space;
		while (n < s->len && (s->data[n] & 0xC0) == 0x80)
			n++;
	}
	*s = slice_trim(slice_from(*s, n));
	return slice_sub(line, 0, n);
}

static int
put_sentence(const struct picture *p, struct slice s, int y)
{
	for (; s.len > 0; y += LINE)
		put_text(p->out, MARGIN, y, "why", next_line(&s), BELIEVE_SENTENCE_MAX);
	return y;
}

static int
height_of(struct slice s)
{
	int y = 0;

	for (; s.len > 0; y += LINE)
		(void)next_line(&s);
	return y;
}

static int
text_height(const struct picture *p)
{
	int y = height_of(p->x->advice) + (p->cut ? LINE : 0);

	for (size_t i = 0; i < p->x->reason_count; i++)
		y += height_of(p->x->reasons[i]);
	return y;
}

static const char style[] =
    "<defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"1\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\""
    " markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 L10 5 L0 10 z\" "
    "fill=\"#4a5568\"/></marker></defs>\n"
    "<style>\n"
    "text{font-family:\"DejaVu Sans\",Verdana,sans-serif;fill:#1a202c}\n"
    ".title{font-size:18px;font-weight:bold}\n"
    ".sub{font-size:13px;fill:#4a5568}\n"
    ".name{font-size:14px;font-weight:bold}\n"
    ".mail{font-size:12px}\n"
    ".fpr{font-family:\"DejaVu Sans Mono\",monospace;font-size:10px;fill:#4a5568}\n"
    ".edge{font-size:12px;text-anchor:middle;stroke:#fff;stroke-width:4px;paint-order:stroke}\n"
    ".why{font-size:13px}\n"
    ".box{stroke:#718096;stroke-width:1.5;fill:#f7fafc}\n"
    ".own{fill:#e6f4ea;stroke:#2f855a}\n"
    ".root{fill:#e8f0fe;stroke:#2b6cb0}\n"
    ".target{fill:#fffbea;stroke:#b7791f}\n"
    ".asked{stroke-width:3}\n"
    ".line{fill:none;stroke:#4a5568}\n"
    "</style>\n";

static void
put_head(const struct picture *p, int width, int height)
{
	BUF_OWNED struct buf title = { .max = BELIEVE_SENTENCE_MAX };

	(void)buf_putf(p->out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\""
	    " viewBox=\"0 0 %d %d\">\n",
	    width, height, width, height);
	(void)buf_put_str(p->out, style);
	(void)buf_putf(p->out, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height);
	(void)buf_put_str(&title, "Whose key it is: ");
	(void)printable_put(&title, p->x->user_id, PRINTABLE_LINE, 60);
	put_text(p->out, MARGIN, 34, "title", buf_slice(&title), 90);
	buf_clear(&title);
	(void)buf_putf(&title, "%s; certifications are worth %u of %u by the model \"%s\"",
	    believe_verdict_name(p->x->verdict), p->x->amount, PGP_NETWORK_FULL,
	    believe_model_name(believer_model(p->b)));
	put_text(p->out, MARGIN, 58, "sub", buf_slice(&title), 120);
}

static void
draw(const struct picture *p)
{
	int text_top = HEAD + (int)p->rows * ROW + (int)p->lanes * LANE + 10,
	    width = 2 * MARGIN + (int)(p->columns - 1) * COLUMN + BOX_WIDTH;
	int y = text_top;

	width = width < 860 ? 860 : width;
	put_head(p, width, text_top + text_height(p) + MARGIN);
	for (size_t i = 0; i < p->edge_count; i++)
		put_curve(p, &p->edges[i]);
	for (size_t i = 0; i < p->node_count; i++)
		put_node(p, i);
	for (size_t i = 0; i < p->edge_count; i++)
		put_curve_label(p, &p->edges[i]);
	for (size_t i = 0; i < p->x->reason_count; i++)
		y = put_sentence(p, p->x->reasons[i], y);
	y = put_sentence(p, p->x->advice, y);
	if (p->cut)
		(void)put_sentence(p, SLICE("There is more than fits into this picture."), y);
	(void)buf_put_str(p->out, "</svg>\n");
}

int
believe_picture(const struct believer *b, const struct belief *x, struct buf *out)
{
	struct picture p = { .b = b, .x = x, .out = out };

	collect(&p);
	choose_columns(&p);
	choose_rows(&p);
	choose_lanes(&p);
	draw(&p);
	return out->err;
}
