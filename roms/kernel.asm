; The kernel's start: descriptors, interrupt controllers, timer, COM1, then both programs. It ends as
; the idle thread, which is also what runs while the story is paused.

section kernel
kernel_start:
	mov	ax, KERNEL_DS
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	esp, idle_stack_top
	xor	eax, eax
	mov	fs, ax
	mov	gs, ax
	mov	edi, BSS
	mov	ecx, BSS_SIZE / 4
	cld
	rep stosd
	mov	dword [canary], CANARY
	call	serial_init
	call	descriptors_init
	call	traps_init
	call	memory_init
	call	balloon_init
	call	screen_init
	call	threads_init
	call	pic_and_pit_init
	FORMAT	"Umbra86 demo guest: rings, two address spaces, %d checks", CHECKS
	call	serial_line
idle:
	sti
	hlt
	cli
	call	balloon_poll
	cmp	dword [living], 0
	jne	idle
	jmp	finale

; Bases of what lies where the assembler has put it; then the task register.
descriptors_init:
	mov	eax, KERNEL - 512 + section.ring1.start
	mov	ebx, gdt + (RING1_CS & ~7)
	call	set_base
	mov	eax, KERNEL - 512 + section.ring2.start
	mov	ebx, gdt + (RING2_CS & ~7)
	call	set_base
	mov	eax, ring1_world
	mov	ebx, gdt + (RING1_DS & ~7)
	call	set_base
	mov	eax, ring2_world
	mov	ebx, gdt + (RING2_DS & ~7)
	call	set_base
	mov	eax, the_tss
	mov	ebx, gdt + TSS_SELECTOR
	call	set_base
	mov	dword [the_tss + tss.ss0], KERNEL_DS
	mov	dword [the_tss + tss.ss1], RING1_DS
	mov	dword [the_tss + tss.ss2], RING2_DS
	mov	word [the_tss + tss.io_map], tss_size	; beyond the limit: no port is anybody's
	mov	ax, TSS_SELECTOR
	ltr	ax
	ret

; The base of the descriptor at EBX becomes EAX.
set_base:
	mov	[ebx + 2], ax
	shr	eax, 16
	mov	[ebx + 4], al
	mov	[ebx + 7], ah
	ret

pic_and_pit_init:
	mov	al, 0x11		; ICW1: edge, cascade, ICW4
	out	0x20, al
	out	0xa0, al
	mov	al, 0x20		; ICW2: IRQ 0 is vector 20h
	out	0x21, al
	mov	al, 0x28
	out	0xa1, al
	mov	al, 4			; ICW3
	out	0x21, al
	mov	al, 2
	out	0xa1, al
	mov	al, 1			; ICW4: 8086
	out	0x21, al
	out	0xa1, al
	mov	al, 0xfc		; timer and keyboard
	out	0x21, al
	mov	al, 0xff
	out	0xa1, al
	mov	al, 0x34		; counter 0, both bytes, mode 2
	out	0x43, al
	mov	al, PIT_DIVISOR & 0xff
	out	0x40, al
	mov	al, PIT_DIVISOR >> 8
	out	0x40, al
	ret

section kdata
; Access bytes: present, DPL, S, type. Flat segments, then those of rings 1 and 2, which end where
; their world ends: paging knows only user and supervisor, so segments keep these rings apart.
align 8
gdt:
	dq	0
	dw	0xffff, 0, 0x9a00, 0x00cf	; KERNEL_CS
	dw	0xffff, 0, 0x9200, 0x00cf	; KERNEL_DS
	dw	0xffff, 0, 0xfa00, 0x00cf	; USER_CS
	dw	0xffff, 0, 0xf200, 0x00cf	; USER_DS
	dw	RING1_SIZE - 1, 0, 0xba00, 0x0040
	dw	RING_WORLD - 1, 0, 0xb200, 0x0040
	dw	RING2_SIZE - 1, 0, 0xda00, 0x0040
	dw	RING_WORLD - 1, 0, 0xd200, 0x0040
	dw	tss_size - 1, 0, 0x8900, 0	; TSS_SELECTOR
	dw	ring1_bank, RING1_CS, 0xec01, 0	; BANK_GATE: DPL 3, copies one parameter
	dw	ring2_sage, RING2_CS, 0xec01, 0	; SAGE_GATE
gdt_end:

section bss
canary:		resd 1
the_tss:	resb tss_size
ring1_world:	resb RING_WORLD
ring2_world:	resb RING_WORLD
		resb 2048
idle_stack_top:
