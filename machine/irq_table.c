/* Routes interrupts from devices to the inputs of the 8259s, and shows the routes. See irq_table.h. */
#include "machine/irq_table.h"

#include <assert.h>
#include <inttypes.h>

#include "devices/i8259.h"

/* n: the input, and the wire's number from bit 4 on. */
static void set_wire(void *opaque, unsigned n, bool level)
{
	struct irq_table *t = opaque;
	unsigned input = n & 15;
	uint8_t bit = (uint8_t)(1u << (n >> 4));

	t->s.level[input] = (uint8_t)(level ? t->s.level[input] | bit : t->s.level[input] & ~bit);
	i8259_set_irq(t->pic, input, t->s.level[input] != 0);
}

struct irq_line irq_table_connect(struct irq_table *t, unsigned input, const char *source)
{
	unsigned wire = t->source[input][0] ? 1 : 0;

	assert(input < IRQ_INPUTS && !t->source[input][wire]);
	t->source[input][wire] = source;
	return (struct irq_line){ set_wire, t, input | wire << 4 };
}

/* ---- what people and programs see of it --------------------------------------------------------- */

void irq_table_heading(bool with_guest, FILE *out)
{
	if (with_guest)
		fprintf(out, "%-16s ", "guest");
	fprintf(out, "IRQ  input     vector  %-24s %-8s %-7s %12s %12s\n", "device", "trigger", "state", "raised",
		"delivered");
}

/* Both sources of a shared input in one text. */
static void name_sources(const struct irq_table *t, unsigned n, char text[64])
{
	snprintf(text, 64, "%s%s%s", t->source[n][0], t->source[n][1] ? ", " : "",
		 t->source[n][1] ? t->source[n][1] : "");
}

static void print_route(const struct irq_table *t, unsigned n, FILE *out)
{
	const struct i8259_chip *c = &t->pic->s.chip[n >> 3];
	bool level = i8259_level_triggered(t->pic, n);
	unsigned bit = n & 7;
	char device[64];

	name_sources(t, n, device);
	fprintf(out, "%3u  %-6s %u  %02x      %-24s %-8s %-7s %12" PRIu64 " %12" PRIu64 "\n", n,
		n < 8 ? "master" : "slave", bit, c->icw2 + bit, device, level ? "level" : "edge",
		c->isr >> bit & 1 ? "served" : c->imr >> bit & 1 ? "masked" : c->irr >> bit & 1 ? "waits" : "open",
		t->pic->counts.raised[n], t->pic->counts.delivered[n]);
}

void irq_table_print(const struct irq_table *t, const char *guest, FILE *out)
{
	for (unsigned n = 0; n < IRQ_INPUTS; n++) {
		if (!t->source[n][0])
			continue;
		if (guest)
			fprintf(out, "%-16s ", guest);
		print_route(t, n, out);
	}
}

void irq_table_json(const struct irq_table *t, FILE *out)
{
	const char *between = "";

	for (unsigned n = 0; n < IRQ_INPUTS; n++) {
		char device[64];

		if (!t->source[n][0])
			continue;
		name_sources(t, n, device);
		fprintf(out, "%s\n    \"%u\": { \"device\": \"%s\", \"raised\": %" PRIu64 ", \"delivered\": %" PRIu64
			" }", between, n, device, t->pic->counts.raised[n], t->pic->counts.delivered[n]);
		between = ",";
	}
}

/* ---- the device ----------------------------------------------------------------------------------- */

/* The wires are low; who drives one high says so in its own reset. */
static void irq_table_reset(struct device *d)
{
	((struct irq_table *)d)->s = (struct irq_table_state){ 0 };
}

static bool irq_table_restored(struct device *d)
{
	struct irq_table *t = (struct irq_table *)d;

	for (unsigned n = 0; n < IRQ_INPUTS; n++)
		if (t->s.level[n] >> IRQ_WIRES)
			return false;
	return true;
}

static const struct field irq_table_fields[] = {
	FIELD_ARRAY(struct irq_table_state, level),
	FIELD_END,
};

static const struct io_window no_windows[] = { { .name = NULL } };

const struct device_class irq_table_class = {
	.name = "wires",
	.version = 1,
	.state = irq_table_fields,
	.state_offset = offsetof(struct irq_table, s),
	.state_size = sizeof(struct irq_table_state),
	.windows = no_windows,
	.reset = irq_table_reset,
	.restored = irq_table_restored,
};

void irq_table_init(struct irq_table *t, struct i8259 *pic)
{
	*t = (struct irq_table){ .dev.cls = &irq_table_class, .pic = pic };
}
