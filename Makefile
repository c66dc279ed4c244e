# rid: `make help` lists the targets. One mode, one folder: build/release, build/debug, build/asan, …
MODE    ?= release
PREFIX  ?= /usr/local
# A libtorch other than Debian's (the folder with include/ and lib/, as a PyTorch wheel has it), for rid-train.
LIBTORCH ?=
B       := build/$(MODE)$(if $(LIBTORCH),-libtorch)
VERSION := $(shell cat VERSION)
JOBS    := $(shell nproc 2>/dev/null || echo 1)

FLAGS_release := -O2 -g
FLAGS_debug   := -O0 -g3
FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g -fsanitize=thread
FLAGS_cov     := -O0 -g --coverage
WARN   := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wformat=2 $(if $(CI),-Werror)
WARN_C := -Wstrict-prototypes -Wmissing-prototypes
# No contraction outside the kernels: there a fused multiply-add is part of the definition.
COMMON := $(FLAGS_$(MODE)) -fopenmp -ffp-contract=off -I. -D_GNU_SOURCE -DRID_VERSION='"$(VERSION)"' -MMD -MP

# pkg-config name : Debian package : the one source that includes its header.
LIBS := yaml-0.1:libyaml-dev:data/yaml.c libxxhash:libxxhash-dev:data/base/hash.c \
        libcrypto:libssl-dev:data/base/hash.c glib-2.0:libglib2.0-dev:data/base/timezone.c \
        zlib:zlib1g-dev:data/inflate.c libzstd:libzstd-dev:data/inflate.c \
        simdjson:libsimdjson-dev:data/json.cpp hdf5:libhdf5-dev:data/h5file.c
part  = $(word $(1),$(subst :, ,$(2)))
comma := ,
FOUND   := $(foreach l,$(LIBS),$(shell pkg-config --exists $(call part,1,$l) 2>/dev/null && echo $l))
MISSING := $(filter-out $(FOUND),$(LIBS))
PKGS    := $(foreach l,$(FOUND),$(call part,1,$l))
PKG_CFLAGS := $(patsubst -I%,-isystem%,$(if $(PKGS),$(shell pkg-config --cflags $(PKGS))))
PKG_LIBS   := $(if $(PKGS),$(shell pkg-config --libs $(PKGS)))
# For --version; asked for only when that one file is compiled.
BUILT_WITH  = $(foreach p,$(PKGS),$p-$(shell pkg-config --modversion $p))

# libtorch has no pkg-config file. Only what trains links it: WITH_TORCH, TORCH_TESTS.
TORCH_ROOT   := $(or $(LIBTORCH),/usr)
TORCH_API    := $(TORCH_ROOT)/include/torch/csrc/api/include
TORCH_CFLAGS := $(if $(LIBTORCH),-std=c++20 -isystem $(LIBTORCH)/include,-std=c++17) -isystem $(TORCH_API)
TORCH_LIBS   := $(if $(LIBTORCH),-L$(LIBTORCH)/lib -Wl$(comma)-rpath$(comma)$(abspath $(LIBTORCH))/lib) -ltorch_cpu -lc10
WITH_TORCH   := train
TORCH_TESTS  := nn graph linear_map trainer adamw train_state network train_trace train_settings
MISSING      += $(if $(wildcard $(TORCH_API)/torch/torch.h),,libtorch:libtorch-dev:train/nn.cpp)

# A binary needs every library but those named in WITHOUT_<tool>; without them it is left out.
TOOLS         := $(patsubst tools/%_main.c,%,$(wildcard tools/*_main.c))
WITHOUT_synth := hdf5 zlib libzstd
lacks  = $(filter-out $(WITHOUT_$(1)) $(if $(filter $(1),$(WITH_TORCH)),,libtorch),$(foreach l,$(MISSING),$(call part,1,$l)))
BUILT := $(foreach t,$(TOOLS),$(if $(call lacks,$t),,$t))
BINS  := $(BUILT:%=$B/bin/rid-%)
# Said once, where something is built: the other targets call make again, or build nothing.
ifneq ($(filter-out clean help demo test soak fuzz bench debug asan tsan cov,$(or $(MAKECMDGOALS),all)),)
$(if $(filter $(MODE),release debug asan tsan cov),,$(error MODE is release, debug, asan, tsan or cov))
$(if $(filter test-libtorch,$(MAKECMDGOALS)),$(if $(LIBTORCH),,$(error test-libtorch: say which with LIBTORCH=DIR)))
$(if $(shell command -v pkg-config),,$(error pkg-config is missing: run scripts/install-deps.sh))
$(foreach t,$(filter-out $(BUILT),$(TOOLS)),$(info rid-$t is left out: install $(strip \
  $(foreach l,$(MISSING),$(if $(filter $(call part,1,$l),$(call lacks,$t)),$(call part,2,$l)))) (scripts/install-deps.sh does)))
endif

# The kernels, *_isa.c, are compiled once per instruction set; the one for the running processor is chosen at run time.
ISA         := $(if $(filter x86_64,$(shell uname -m)),avx2 avx512)
ISA_base    :=
ISA_avx2    := -mavx2 -mfma -mf16c
ISA_avx512  := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c -mprefer-vector-width=512
KERNELS     := $(wildcard data/*_isa.c eval/*_isa.c)
KERNEL_OBJ  := $(foreach i,base $(ISA),$(KERNELS:%.c=$B/obj/%.$i.o))

SRC := $(filter-out $(KERNELS) $(foreach l,$(MISSING),$(call part,3,$l)), \
         $(wildcard data/base/*.c data/*.c data/*.cpp gt/*.c eval/*.c train/*.c train/*.cpp) $(filter-out %_main.c,$(wildcard tools/*.c)))
OBJ := $(SRC:%=$B/obj/%.o) $(KERNEL_OBJ)
NO_TORCH := $(filter libtorch:%,$(MISSING))
UNIT := $(filter-out $(if $(NO_TORCH),$(TORCH_TESTS:%=$B/test/test_%)), \
          $(patsubst tests/unit/%.c,$B/test/%,$(wildcard tests/unit/test_*.c)))
OF_TORCH := $(filter $(TORCH_TESTS:%=$B/test/test_%),$(UNIT))
TORCH_BINS := $(WITH_TORCH:%=$B/bin/rid-%) $(TORCH_TESTS:%=$B/test/test_%) $B/test/bench_step
BENCHES := $(if $(filter-out libtorch:%,$(MISSING)),,$(filter-out $(if $(NO_TORCH),$B/test/bench_step), \
             $(addprefix $B/test/,$(basename $(notdir $(wildcard tests/bench/bench_*.c tests/bench/bench_*.cpp))))))

MAKEFLAGS += --no-builtin-rules
.PHONY: all debug asan tsan cov unit benches test test-libtorch bench soak demo fuzz install clean help
.SECONDARY:
all: $(BINS)
debug asan tsan cov:
	+@$(MAKE) --no-print-directory MODE=$@ all
unit: $(UNIT) $B/test/libfault.so
benches: $(BENCHES)

$B/obj/%.c.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(COMMON) $(EXTRA) $(WARN) $(WARN_C) $(PKG_CFLAGS) $(CFLAGS) -c $< -o $@
$B/obj/tools/cli_help.c.o: private EXTRA = -DRID_BUILT_WITH='"$(strip $(BUILT_WITH))"'
$B/obj/%.cpp.o: %.cpp Makefile VERSION
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(COMMON) $(EXTRA) $(WARN) $(PKG_CFLAGS) $(CXXFLAGS) -c $< -o $@
$B/obj/train/nn.cpp.o: private EXTRA = $(TORCH_CFLAGS)
# Or √ sets errno and is not vectorised: AdamW takes three times as long.
$B/obj/train/adamw.c.o: private EXTRA = -fno-math-errno
# Compiled anew for another libtorch in the same place.
$B/obj/train/nn.cpp.o: $B/torch-root
$B/torch-root: $(if $(shell echo $(TORCH_ROOT) | cmp -s - $B/torch-root || echo changed),changed)
	@mkdir -p $(@D) && echo $(TORCH_ROOT) >$@
define kernel_rule
$(KERNELS:%.c=$B/obj/%.$(1).o): $B/obj/%.$(1).o: %.c Makefile
	@mkdir -p $$(@D)
	$$(CC) -std=gnu11 $$(COMMON) -O3 -ffp-contract=fast $$(ISA_$(1)) -DRID_ISA=$(1) $$(WARN) $$(WARN_C) $$(CFLAGS) -c $$< -o $$@
endef
$(foreach i,base $(ISA),$(eval $(call kernel_rule,$i)))
# Written anew where the list changes, so that a source that is gone leaves the library, too.
$B/objects: $(if $(shell echo $(OBJ) | cmp -s - $B/objects || echo changed),changed)
	@mkdir -p $(@D) && echo $(OBJ) >$@
.PHONY: changed
$B/librid.a: $(OBJ) $B/objects
	@rm -f $@
	$(AR) rcs $@ $(OBJ)
$(TORCH_BINS): private EXTRA_LIBS = $(TORCH_LIBS)
$B/bin/rid-%: $B/obj/tools/%_main.c.o $B/librid.a
	@mkdir -p $(@D)
	$(CXX) $(COMMON) $(LDFLAGS) $^ $(EXTRA_LIBS) $(PKG_LIBS) -lm -lpthread -o $@
$B/test/%: $B/obj/tests/unit/%.c.o $B/librid.a
	@mkdir -p $(@D)
	$(CXX) $(COMMON) $(LDFLAGS) $^ $(EXTRA_LIBS) $(PKG_LIBS) -lcmocka -lm -lpthread -o $@
$B/test/bench_%: $B/obj/tests/bench/bench_%.c.o $B/librid.a
	@mkdir -p $(@D)
	$(CXX) $(COMMON) $(LDFLAGS) $^ $(EXTRA_LIBS) $(PKG_LIBS) -lm -lpthread -o $@
$B/test/bench_%: $B/obj/tests/bench/bench_%.cpp.o
	@mkdir -p $(@D)
	$(CXX) $(COMMON) $(LDFLAGS) $^ $(PKG_LIBS) -lpthread -o $@
$B/test/libfault.so: tests/fault/libfault.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -fPIC -shared -D_GNU_SOURCE $(WARN) $< -ldl -o $@

# Not $(MAKE) itself: `make -n test` should not run the tests. A jobserver does not reach a script;
# variables of the command line do, through the environment.
SUBMAKE = env -u MAKEFLAGS -u MFLAGS $(MAKE) -j$(JOBS)
test: ## unit, command-line, vector, layer and sanitizer tests
	@MAKE="$(SUBMAKE)" scripts/run-tests
test-libtorch: $(filter $(WITH_TORCH:%=$B/bin/rid-%),$(BINS)) $(OF_TORCH) ## what trains, with LIBTORCH=DIR
	@for t in $(OF_TORCH); do $$t || exit 1; done
soak: ## the long kill, fault and fuzz runs
	@MAKE="$(SUBMAKE)" scripts/run-soak
bench: ## ours against its peers, side by side; writes build/bench.json
	@$(SUBMAKE) --no-print-directory MODE=release all benches
	@scripts/run-bench
demo: ## a synthetic store-day from payloads to a manifest
	@MAKE="$(SUBMAKE)" scripts/demo
fuzz: ## random damage to every kind of input
	@MAKE="$(SUBMAKE)" tests/fuzz/run
install: all ## into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/rid
	install -m 755 $(BINS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 configs/* $(DESTDIR)$(PREFIX)/share/rid
	for t in $(BUILT); do $B/bin/rid-$$t --man >$(DESTDIR)$(PREFIX)/share/man/man1/rid-$$t.1 || exit 1; done
clean: ## removes build/
	rm -rf build
help: ## this list
	@echo 'all            release binaries in build/release/bin (the default)'
	@echo 'debug asan tsan cov   the same in build/<mode>/bin'
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r t d; do printf '%-14s %s\n' "$$t" "$$d"; done

-include $(shell find $B/obj -name '*.d' 2>/dev/null)
