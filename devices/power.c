/*
 * Power-off ports.
 * Follows: Bochs' documentation (writing "Shutdown" to port 8900h); ACPI 1.0b 4.7.3.2.1, the
 * PM1 control register, at the port where QEMU's PC has it.
 *
 * NOT IMPLEMENTED: any other part of ACPI; SLP_EN switches off whatever SLP_TYP says, and
 * SCI_EN is only kept.
 */
#include "devices/power.h"

#include <string.h>

#define PM1_SLP_EN 0x2000u
#define PM1_KEPT 0x1c07u /* SLP_TYP, GBL_RLS, BM_RLD, SCI_EN; SLP_EN reads as 0 */

static const char spell[] = "Shutdown";

static void switch_off(struct device *d)
{
	struct power *p = (struct power *)d;

	p->s.requested = 1;
	irq_set(&p->off, true);
}

static uint32_t bochs_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)d, (void)offset, (void)size;
	return 0xff;
}

static void bochs_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct power_state *s = device_state(d);

	(void)offset, (void)size;
	if (val == (uint8_t)spell[s->matched])
		s->matched++;
	else
		s->matched = val == (uint8_t)spell[0];
	if (s->matched == strlen(spell)) {
		s->matched = 0;
		switch_off(d);
	}
}

static uint32_t pm1_read(struct device *d, uint32_t offset, unsigned size)
{
	(void)offset, (void)size;
	return ((struct power *)d)->s.pm1_control;
}

static void pm1_write(struct device *d, uint32_t offset, uint32_t val, unsigned size)
{
	struct power_state *s = device_state(d);

	(void)offset, (void)size;
	s->pm1_control = val & PM1_KEPT;
	if (val & PM1_SLP_EN)
		switch_off(d);
}

static void power_reset(struct device *d)
{
	struct power *p = (struct power *)d;

	p->s = (struct power_state){ 0 };
	irq_set(&p->off, false);
}

static bool power_restored(struct device *d)
{
	const struct power_state *s = device_state(d);

	return s->matched < strlen(spell) && s->requested <= 1;
}

static const struct field power_fields[] = {
	FIELD(struct power_state, pm1_control),
	FIELD(struct power_state, matched),
	FIELD(struct power_state, requested),
	FIELD_END,
};

static const struct io_window power_windows[] = {
	[POWER_WIN_BOCHS] = { "shutdown", 1, 1, 1, bochs_read, bochs_write },
	[POWER_WIN_PM1_CONTROL] = { "pm1a-control", 2, 2, 2, pm1_read, pm1_write },
	{ .name = NULL },
};

const struct device_class power_class = {
	.name = "power",
	.version = 1,
	.state = power_fields,
	.state_offset = offsetof(struct power, s),
	.state_size = sizeof(struct power_state),
	.windows = power_windows,
	.reset = power_reset,
	.restored = power_restored,
};

void power_init(struct power *p)
{
	*p = (struct power){ .dev.cls = &power_class };
	power_reset(&p->dev);
}
