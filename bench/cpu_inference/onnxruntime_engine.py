# onnxruntime_engine.py -- ONNX Runtime as an engine of bench/cpu_inference: the protocol of engine.c on stdin and stdout.
#
# Inputs and outputs are bound once (IOBinding), so that a run costs what the library needs and little of Python.
#
# SPDX-License-Identifier: Apache-2.0
import sys
import time

DTYPES = {"f32": "float32", "f64": "float64", "f16": "float16", "i64": "int64", "i32": "int32", "i16": "int16",
          "i8": "int8", "u64": "uint64", "u32": "uint32", "u16": "uint16", "u8": "uint8", "bool": "bool"}
NAMES = {v: k for k, v in DTYPES.items()}


def memory(key):
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(key):
                return 1024 * int(line.split()[1])
    return 0


def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    except OSError:
        pass


class Engine:
    clock_of_runs = staticmethod(time.perf_counter)

    def clock(self, which):
        self.clock_of_runs = time.process_time if which == "cpu" else time.perf_counter
        return ""

    def load(self, threads, path):
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(threads)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        forget_peak()
        self.before = memory("VmRSS:")
        start = time.perf_counter()
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        seconds = time.perf_counter() - start
        self.binding = self.session.io_binding()
        return "%.9f ONNX Runtime %s" % (seconds, ort.__version__)

    def input(self, name, dtype, dims, path):
        shape = [] if dims == "-" else [int(d) for d in dims.split("x")]
        data = numpy.fromfile(path, dtype=DTYPES[dtype]).reshape(shape)
        self.binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(data))
        return ""

    def prepare(self):
        for o in self.session.get_outputs():
            self.binding.bind_output(o.name)
        self.session.run_with_iobinding(self.binding)
        for o, v in zip(self.session.get_outputs(), self.binding.get_outputs()):
            self.binding.bind_ortvalue_output(o.name, ort.OrtValue.ortvalue_from_numpy(v.numpy()))
        return ""

    def run(self, n):
        times, run, binding, now = [], self.session.run_with_iobinding, self.binding, self.clock_of_runs
        for _ in range(int(n)):
            start = now()
            run(binding)
            times.append(now() - start)
        return " ".join("%.9f" % t for t in times)

    def outputs(self, path):
        self.session.run_with_iobinding(self.binding)
        with open(path, "wb") as f:
            for o, v in zip(self.session.get_outputs(), self.binding.get_outputs()):
                a = numpy.ascontiguousarray(v.numpy())
                f.write(("%s %s %d %d\n" % (o.name, NAMES[str(a.dtype)], a.size, a.nbytes)).encode())
                f.write(a.tobytes())
        return ""

    def memory(self):
        return str(memory("VmHWM:") - self.before)


try:
    import numpy
    import onnxruntime as ort
except ImportError as e:
    print("error", e, flush=True)
    sys.exit(1)

engine = Engine()
for line in sys.stdin:
    command, *rest = line.split()
    try:
        print("ok", getattr(engine, command)(*rest), flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
        sys.exit(1)
