; The end: the last check, the last line, and the power switch. On success the machine goes off by
; itself unless somebody has asked it to stay; on failure it never does, so that no script takes a
; failed demonstration for a good one.

section kernel

FINALE_TICKS	equ 200

finale:
	cli
	call	balloon_checks
	KCHECK	"every frame has come back", [free_frames], POOL_FRAMES
	call	draw_live
	cmp	dword [count_passed], CHECKS
	jne	.failed
	FORMAT	"Umbra86 demo: all %d checks passed", CHECKS
	mov	ah, COLOR_FINE_END
	call	draw_story
	call	serial_line
	mov	edi, [story]
	add	edi, FINALE_TICKS * NORMAL
.wait:
	sti
	hlt
	cli
	cmp	byte [stay], 0
	jne	.wait
	cmp	[story], edi
	jb	.wait
	jmp	power_off
.failed:
	mov	eax, CHECKS
	sub	eax, [count_passed]
	FORMAT	"Umbra86 demo: %d of %d checks FAILED", eax, CHECKS
	mov	ah, COLOR_BAD_END
	call	draw_story
	call	serial_line
; An exit code by QEMU's isa-debug-exit where there is one, else a halt for ever.
end_badly:
	mov	al, 1
	out	0xf4, al
	cli
	hlt
	jmp	end_badly

power_off:
	STRING	esi, "Umbra86 demo: power off"
	call	serial_line
	mov	dx, 0x604			; ACPI PM1a control, as QEMU's PC has it: SLP_EN
	mov	ax, 0x2000
	out	dx, ax
	mov	dx, 0x8900			; Bochs
	STRING	esi, "Shutdown"
.letter:
	lodsb
	out	dx, al
	test	al, al
	jnz	.letter
	STRING	esi, "It is now safe to switch this computer off."
	mov	ah, COLOR_BRIGHT
	call	draw_story
.halt:
	cli
	hlt
	jmp	.halt

restart:
	mov	al, 0xfe			; the 8042 pulls the reset line
	out	0x64, al
	jmp	power_off.halt
