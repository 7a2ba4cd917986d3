/*
 * A profile as text: sections for people and scripts, and what tools/profiles.py reads. The file's own comments say
 * what its columns are.
 *
 * Traces are decoded and lowered anew here, so handlers are those of single instructions whatever the runs of
 * hot_runs.txt and the handlers of hot traces (special.h) made of them.
 *
 * NOT IMPLEMENTED: pairs over a taken branch in [pairs]; [branches] has them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/hot.h"
#include "cpu/profile.h"
#include "cpu/samples.h"

#define TEXT 64       /* bytes of one instruction's form, with its 0; see add_forms() */
#define ROWS 60u      /* of each table */
#define TRACES 100u
#define SHOWN 6u      /* instructions of a trace */

/* ---- sums by text --------------------------------------------------------------------------------------- */

struct tally_row {
	char *text;
	double weight;
};

struct tally {
	struct tally_row *row; /* open addressing; text NULL: empty */
	size_t slots, used;
	bool failed;           /* no host memory */
};

static size_t hash_text(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	return (size_t)(h ^ h >> 32);
}

static struct tally_row *tally_find(const struct tally *t, const char *text)
{
	size_t h = hash_text(text) & (t->slots - 1);

	while (t->row[h].text && strcmp(t->row[h].text, text))
		h = (h + 1) & (t->slots - 1);
	return &t->row[h];
}

static bool tally_grow(struct tally *t)
{
	struct tally bigger = { .slots = t->slots ? t->slots * 2 : 1024, .used = t->used };

	bigger.row = calloc(bigger.slots, sizeof(*bigger.row));
	if (!bigger.row)
		return false;
	for (size_t k = 0; k < t->slots; k++)
		if (t->row[k].text)
			*tally_find(&bigger, t->row[k].text) = t->row[k];
	free(t->row);
	*t = bigger;
	return true;
}

static void tally_add(struct tally *t, const char *text, double weight)
{
	struct tally_row *row;

	if (weight <= 0 || t->failed)
		return;
	if (t->used * 2 >= t->slots && !tally_grow(t)) {
		t->failed = true;
		return;
	}
	row = tally_find(t, text);
	if (!row->text) {
		row->text = strdup(text);
		if (!row->text) {
			t->failed = true;
			return;
		}
		t->used++;
	}
	row->weight += weight;
}

/* The heaviest first; of the same weight by text, so that the same run gives the same file. */
static int heavier(const void *va, const void *vb)
{
	const struct tally_row *a = va, *b = vb;

	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	return a->text && b->text ? strcmp(a->text, b->text) : 0;
}

/* Prints and empties it. */
static void tally_print(struct tally *t, double all, FILE *out)
{
	if (t->slots)
		qsort(t->row, t->slots, sizeof(*t->row), heavier);
	for (size_t k = 0; k < t->used && k < ROWS; k++)
		fprintf(out, "%7.3f%%  %s\n", 100 * t->row[k].weight / all, t->row[k].text);
	for (size_t k = 0; k < t->slots; k++)
		free(t->row[k].text);
	free(t->row);
	*t = (struct tally){ .failed = t->failed };
}

/* ---- names of handlers ------------------------------------------------------------------------------------ */

static int by_fn(const void *va, const void *vb)
{
	uintptr_t a = (uintptr_t)((const struct hot_name *)va)->fn, b = (uintptr_t)((const struct hot_name *)vb)->fn;

	return (a > b) - (a < b);
}

static const char *name_of(const struct hot_name *sorted, op_fn *fn)
{
	struct hot_name key = { fn, NULL };
	const struct hot_name *n = bsearch(&key, sorted, hot_name_count, sizeof(key), by_fn);

	return n ? n->name : NULL;
}

/* ---- a trace, decoded again ------------------------------------------------------------------------------- */

struct code {
	unsigned n;
	struct insn insn[TRACE_MAX];
	op_fn *fn[TRACE_MAX];      /* NULL: its compare has the handler for both */
	double weight[TRACE_MAX];  /* the executions that the samples stand for */
	double entries;
};

static void decode(const struct profile_place *e, struct code *code)
{
	struct op op[TRACE_MAX * (OPS_PER_INSN + 1) + 4];
	uint8_t slot[TRACE_MAX];
	struct lowering l = { .op = op, .mode = (uint32_t)(e->key >> 56) };
	bool more = true;

	code->n = 0;
	for (unsigned at = 0; more && at < e->len && code->n < TRACE_MAX;) {
		struct insn *i = &code->insn[code->n];

		if (insn_decode(e->bytes + at, e->len - at, l.mode & MODE_CODE32, SINCE_SSSE3, i) != DECODE_OK)
			break;
		slot[code->n++] = (uint8_t)l.n;
		more = lower_insn(&l, i, ((uint32_t)e->key + at) & PAGE_MASK);
		at += i->len;
	}
	for (unsigned k = 0; k < code->n; k++)
		code->fn[k] = l.id[slot[k]] == ID_FUSED ? NULL : op[slot[k]].fn;
}

/* A sample of a trace that was left behind its k-th instruction is a k-th of each of the first k. */
static void weigh(const struct profile_place *e, struct code *code)
{
	double sum = 0;

	for (unsigned k = TRACE_MAX; k > 0; k--) {
		sum += (double)e->left[k] / k;
		code->weight[k - 1] = sum;
	}
	code->entries = sum;
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

struct tables {
	const struct hot_name *names;
	struct tally one, two, three, generic;
	double all; /* samples */
};

static void add_forms(struct tables *t, const struct code *code)
{
	char form[TRACE_MAX][TEXT], text[3 * TEXT + 8];

	for (unsigned k = 0; k < code->n; k++) {
		insn_form(&code->insn[k], form[k], sizeof(form[k]));
		tally_add(&t->one, form[k], code->weight[k]);
		if (code->fn[k] && !name_of(t->names, code->fn[k]))
			tally_add(&t->generic, form[k], code->weight[k]);
		if (k >= 1) {
			snprintf(text, sizeof(text), "%.63s; %.63s", form[k - 1], form[k]);
			tally_add(&t->two, text, code->weight[k]);
		}
		if (k >= 2) {
			snprintf(text, sizeof(text), "%.63s; %.63s; %.63s", form[k - 2], form[k - 1], form[k]);
			tally_add(&t->three, text, code->weight[k]);
		}
	}
}

static void print_trace(const struct profile_place *e, double all, FILE *out)
{
	uint32_t lin = e->lin;
	struct code code;
	char text[128];

	decode(e, &code);
	fprintf(out, "%7.3f%% %8" PRIu32 "  %08" PRIx32, 100 * e->samples / all, e->samples, lin);
	if (e->single)
		fprintf(out, "         -");
	else
		fprintf(out, "  %08" PRIx64, (uint64_t)(e->key & ~(0xffull << 56)));
	fprintf(out, "  %u %3u  ", e->cpl, code.n);
	for (unsigned k = 0; k < code.n && k < SHOWN; k++) {
		insn_format(&code.insn[k], lin, text, sizeof(text));
		fprintf(out, "%s%s", k ? "; " : "", text);
		lin += code.insn[k].len;
	}
	fprintf(out, "%s\n", code.n > SHOWN ? "; ..." : "");
}

static void print_sequence(const struct profile_place *e, const struct hot_name *names, FILE *out)
{
	const char *comma = "";
	struct code code;

	decode(e, &code);
	fprintf(out, "%" PRIu32 " %s ", e->samples, e->hot ? "hot" : "cold");
	for (unsigned k = 1; k <= TRACE_MAX; k++) {
		if (!e->left[k])
			continue;
		fprintf(out, "%s%u*%" PRIu32, comma, k, e->left[k]);
		comma = ",";
	}
	if (!e->samples)
		fputc('-', out);
	for (unsigned k = 0; k < code.n; k++) {
		const char *name = code.fn[k] ? name_of(names, code.fn[k]) : NULL;

		if (code.fn[k])
			fprintf(out, " %s", name ? name : "-");
	}
	fputc('\n', out);
}

static int by_line(const void *va, const void *vb)
{
	const struct profile_edge *a = *(struct profile_edge *const *)va, *b = *(struct profile_edge *const *)vb;

	if (a->insns != b->insns)
		return a->insns < b->insns ? -1 : 1;
	return (a->to->line > b->to->line) - (a->to->line < b->to->line);
}

/* In the same page, both mapped where it was. */
static bool within_page(const struct profile_place *a, const struct profile_place *b)
{
	return (a->key ^ b->key) >> PAGE_SHIFT == 0 && (a->lin ^ b->lin) >> PAGE_SHIFT == 0;
}

/* False: no host memory. */
static bool print_edges(const struct profile_place *e, FILE *out)
{
	struct profile_edge **sorted;
	size_t n = 0;

	for (const struct profile_edge *g = e->edges; g; g = g->next)
		n++;
	sorted = malloc((n + 1) * sizeof(struct profile_edge *));
	if (!sorted)
		return false;
	n = 0;
	for (struct profile_edge *g = e->edges; g; g = g->next)
		sorted[n++] = g;
	qsort(sorted, n, sizeof(struct profile_edge *), by_line);
	for (size_t k = 0; k < n; k++)
		fprintf(out, "%" PRIu32 " %zu*%u %zu %s\n", sorted[k]->samples, e->line, sorted[k]->insns,
			sorted[k]->to->line, within_page(e, sorted[k]->to) ? "near" : "far");
	free(sorted);
	return true;
}

static void print_causes(const struct cpu *c, FILE *out)
{
	static const char *const text[SLOW_CAUSES] = {
		[SLOW_TLB_READ] = "TLB missed by reads", [SLOW_TLB_WRITE] = "TLB missed by writes",
		[SLOW_TLB_FETCH] = "TLB missed by fetches", [SLOW_CROSSING] = "accesses to two pages",
		[SLOW_MMIO_READ] = "MMIO reads", [SLOW_MMIO_WRITE] = "MMIO writes",
		[SLOW_WATCHED] = "stores to a page that holds code or a page table",
		[SLOW_GUESS] = "guesses missed: returns and branches to other pages that went elsewhere than before",
		[SLOW_JUMP] = "jump table missed", [SLOW_TRAP] = "traps delivered",
		[SLOW_INTERRUPT] = "interrupts delivered", [SLOW_STEP] = "instructions stepped one by one",
	};
	const struct trace_stats *s = trace_get_stats(c->traces);

	for (unsigned k = 0; k < SLOW_CAUSES; k++)
		fprintf(out, "%12" PRIu64 "  %s\n", c->slow[k], text[k]);
	fprintf(out, "%12" PRIu64 "  traces built\n", s->built);
	fprintf(out, "%12" PRIu64 "  traces killed: a byte of theirs was written\n", s->killed);
	fprintf(out, "%12" PRIu64 "  all traces dropped: the arena was full\n", s->flushes);
	fprintf(out, "%12" PRIu64 "  singles decoded: instructions that cross a page, reach the limit or come from "
		"MMIO\n", s->singles);
	fprintf(out, "%12" PRIu64 "  traces given handlers for their registers\n", s->specialised);
}

/* ---- the file ------------------------------------------------------------------------------------------------- */

static int more_samples(const void *va, const void *vb)
{
	const struct profile_place *a = *(struct profile_place *const *)va, *b = *(struct profile_place *const *)vb;

	if (a->samples != b->samples)
		return a->samples < b->samples ? 1 : -1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->lin != b->lin)
		return a->lin < b->lin ? -1 : 1;
	if (a->cpl != b->cpl)
		return a->cpl < b->cpl ? -1 : 1;
	if (a->hot != b->hot)
		return a->hot ? 1 : -1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a->len);
}

static void print_tables(const struct cpu *c, struct profile_place **e, struct tables *t, FILE *out)
{
	const struct profile *p = c->profile;

	fprintf(out, "# A profile by Umbra86: samples of a run, one in some 1500 instructions.\n"
		     "[run]\n%12" PRIu64 "  instructions\n%12" PRIu64 "  samples\n"
		     "%12" PRIu64 "  samples lost: the code had been overwritten\n", p->insns_run, p->samples, p->lost);
	fprintf(out, "\n[instructions]\n# share of all that were executed, form; b: a base or none and a displacement, x: an index\n");
	tally_print(&t->one, t->all, out);
	fprintf(out, "\n[pairs]\n# share of the instructions that are executed behind this one, within a trace\n");
	tally_print(&t->two, t->all, out);
	fprintf(out, "\n[triples]\n# share of the instructions that are executed behind these two, within a trace\n");
	tally_print(&t->three, t->all, out);
	fprintf(out, "\n[generic]\n# of [instructions], those without a generated handler\n");
	tally_print(&t->generic, t->all, out);
	fprintf(out, "\n[traces]\n# share, samples, linear address, machine address (- for singles), CPL, instructions, "
		     "what they begin with (as if CS.base were 0)\n");
	for (size_t k = 0; k < p->places && k < TRACES && e[k]->samples; k++)
		print_trace(e[k], t->all, out);
	fprintf(out, "\n[causes]\n# how often the fast path was left, and why; what became of traces\n");
	print_causes(c, out);
	fprintf(out, "\n[sequences]\n# samples, hot or cold, exits (- for none), handlers in order (- for one that is not\n"
		     "# generated). An exit 5*8: the trace was left behind its 5th instruction in 8 samples. Hot: it had handlers\n"
		     "# for its registers, not those. For tools/choose_runs.py\n");
	for (size_t k = 0; k < p->places; k++)
		print_sequence(e[k], t->names, out);
}

/* False: no host memory. */
static bool print_branches(struct profile_place **e, size_t n, FILE *out)
{
	fprintf(out, "\n[branches]\n# samples, line of [sequences] (from 1) * instructions executed of it, line of what was\n"
		     "# entered next, by a branch, an interrupt or a fault; near: in the same page. For tools/choose_next.py\n");
	for (size_t k = 0; k < n; k++)
		e[k]->line = k + 1;
	for (size_t k = 0; k < n; k++)
		if (!print_edges(e[k], out))
			return false;
	return true;
}

bool cpu_profile_write(const struct cpu *c, FILE *out)
{
	const struct profile *p = c->profile;
	struct profile_place **e = malloc((p->places + 1) * sizeof(struct profile_place *));
	struct hot_name *names = malloc(hot_name_count * sizeof(*names));
	struct tables t = { .names = names, .all = p->samples ? (double)p->samples : 1 };
	size_t n = 0;
	bool ok;

	if (!e || !names) {
		free(e);
		free(names);
		return false;
	}
	memcpy(names, hot_names, hot_name_count * sizeof(*names));
	qsort(names, hot_name_count, sizeof(*names), by_fn);
	for (size_t k = 0; k < p->slots; k++)
		if (p->slot[k])
			e[n++] = p->slot[k];
	/* Before the sums are made: those of floating point depend on the order. */
	qsort(e, n, sizeof(struct profile_place *), more_samples);
	for (size_t k = 0; k < n; k++) {
		struct code code;

		decode(e[k], &code);
		weigh(e[k], &code);
		add_forms(&t, &code);
	}
	print_tables(c, e, &t, out);
	ok = print_branches(e, n, out);
	free(e);
	free(names);
	return ok && !(t.one.failed || t.two.failed || t.three.failed || t.generic.failed);
}
