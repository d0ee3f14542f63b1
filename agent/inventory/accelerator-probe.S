# The guest that tells whether KVM works (accelerator.ts holds it assembled). Build:
#   as accelerator-probe.S -o probe.o && objcopy -O binary probe.o probe.raw && base64 -w0 probe.raw
.code16
.section .text
.globl _start
_start:                         # at 0xf0000, reached from the reset vector
  cli
  lgdtl %cs:(gdtr-_start)
  mov %cr0,%eax
  or $1,%eax
  mov %eax,%cr0
  ljmpl $8,$(0xf0000+(protected-_start))
.code32
protected:
  mov $16,%ax
  mov %ax,%ds
  mov %ax,%es
  mov %ax,%ss
  mov $0x9000,%esp
  mov $0x1000,%edi              # page tables at 0x1000, 0x2000, 0x3000: the first 2 MiB, identity
  xor %eax,%eax
  mov $0x3000/4,%ecx
  rep stosl
  movl $0x2003,0x1000
  movl $0x3003,0x2000
  movl $0x83,0x3000
  mov $0x20,%eax                # PAE
  mov %eax,%cr4
  mov $0x1000,%eax
  mov %eax,%cr3
  mov $0xc0000080,%ecx          # EFER.LME
  rdmsr
  or $0x100,%eax
  wrmsr
  mov %cr0,%eax
  or $0x80000000,%eax           # paging: long mode begins
  mov %eax,%cr0
  ljmp $24,$(0xf0000+(long_mode-_start))
.code64
long_mode:
  mov $0x9000,%rsp
  mov $1000,%ecx
1:
  push %rcx
  cpuid
  mov %cr3,%rax
  mov %rax,%cr3
  pop %rcx
  dec %ecx
  jnz 1b
  swapgs
  mov $0x10,%al                 # isa-debug-exit: QEMU ends with status 0x21
  mov $0xf4,%dx
  out %al,%dx
2:
  hlt
  jmp 2b
.balign 8
gdt:
  .quad 0
  .quad 0x00cf9a000000ffff
  .quad 0x00cf92000000ffff
  .quad 0x00af9a000000ffff
gdtr:
  .word 31
  .long 0xf0000+(gdt-_start)
