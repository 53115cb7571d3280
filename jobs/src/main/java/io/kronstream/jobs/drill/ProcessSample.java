// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.jobs.embedded.FlinkRest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * What a TaskManager uses at one moment; its components are the keys of its JSON form. Of what the Java machine itself
 * tells, the value may be some seconds old.
 *
 * @param seconds since the soak began
 * @param residentMebibytes of the process
 * @param heapMebibytes used of the heap
 * @param committedMebibytes what the heap has taken of the system; the rest of the resident memory is native
 * @param classes loaded and not unloaded
 * @param threads of the process, Java's and others
 * @param files open, sockets included
 * @param examples learned so far
 * @param crashes so far
 * @param restores so far
 */
record ProcessSample(
        long seconds,
        long residentMebibytes,
        long heapMebibytes,
        long committedMebibytes,
        long classes,
        long threads,
        long files,
        long examples,
        int crashes,
        long restores) {
    private static final String LOADED = "Status.JVM.ClassLoader.ClassesLoaded";
    private static final String UNLOADED = "Status.JVM.ClassLoader.ClassesUnloaded";
    private static final String HEAP = "Status.JVM.Memory.Heap.Used";
    private static final String COMMITTED = "Status.JVM.Memory.Heap.Committed";

    /** Whether this system tells about its processes. */
    static boolean supported() {
        return Files.isReadable(Path.of("/proc/self/status"));
    }

    /** @throws IOException if the process is gone, or nobody tells about it at this moment */
    static ProcessSample of(
            FlinkRest rest, String taskManager, long pid, long seconds, long examples, int crashes, long restores)
            throws IOException {
        Map<String, Double> metrics = rest.taskManagerMetrics(taskManager, List.of(LOADED, UNLOADED, HEAP, COMMITTED));
        if (metrics.size() < 4) {
            throw new IOException("The cluster does not know the metrics of " + taskManager + " yet.");
        }
        return new ProcessSample(
                seconds,
                status(pid, "VmRSS") >> 10,
                metrics.get(HEAP).longValue() >> 20,
                metrics.get(COMMITTED).longValue() >> 20,
                (long) (metrics.get(LOADED) - metrics.get(UNLOADED)),
                status(pid, "Threads"),
                files(pid),
                examples,
                crashes,
                restores);
    }

    static String head() {
        return "%10s %12s %10s %10s %10s %10s %10s %14s %8s %8s"
                .formatted(
                        "seconds",
                        "resident MiB",
                        "heap MiB",
                        "committed",
                        "classes",
                        "threads",
                        "files",
                        "examples",
                        "crashes",
                        "restores");
    }

    String line() {
        return String.format(
                Locale.ROOT,
                "%,10d %,12d %,10d %,10d %,10d %,10d %,10d %,14d %8d %8d",
                seconds,
                residentMebibytes,
                heapMebibytes,
                committedMebibytes,
                classes,
                threads,
                files,
                examples,
                crashes,
                restores);
    }

    /** Medians of the four quarters of a soak: what does not leak is the same in the last as in the second. */
    static String quarters(List<ProcessSample> samples) {
        StringBuilder text = new StringBuilder("Medians of its quarters:\n");
        quarters(text, "resident MiB", samples, ProcessSample::residentMebibytes);
        quarters(text, "native MiB", samples, sample -> sample.residentMebibytes - sample.committedMebibytes);
        quarters(text, "heap MiB", samples, ProcessSample::heapMebibytes);
        quarters(text, "classes", samples, ProcessSample::classes);
        quarters(text, "threads", samples, ProcessSample::threads);
        quarters(text, "files", samples, ProcessSample::files);
        return text.toString();
    }

    private static void quarters(
            StringBuilder text, String name, List<ProcessSample> samples, ToLongFunction<ProcessSample> value) {
        text.append("  %-14s".formatted(name));
        for (int quarter = 0; quarter < 4; quarter++) {
            List<ProcessSample> part =
                    samples.subList(quarter * samples.size() / 4, (quarter + 1) * samples.size() / 4);
            long[] sorted = part.stream().mapToLong(value).sorted().toArray();
            text.append(
                    sorted.length == 0
                            ? "%10s".formatted("-")
                            : String.format(Locale.ROOT, "%,10d", sorted[sorted.length / 2]));
        }
        text.append('\n');
    }

    private static long status(long pid, String key) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith(key + ":")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new IOException("The system tells no " + key + " of process " + pid + ".");
    }

    private static long files(long pid) throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return open.count();
        }
    }
}
