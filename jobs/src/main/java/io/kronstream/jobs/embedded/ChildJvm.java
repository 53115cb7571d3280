// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A Java process started by this one: the same Java, class path, module flags and environment. Its output goes to
 * {@code NAME.out} and its log to {@code NAME.log}. It is ended when this JVM shuts down, and it is told this JVM's
 * process id so that it can end itself if this JVM is killed.
 */
final class ChildJvm implements AutoCloseable {
    private static final long TERM_SECONDS = 15;
    private static final int LAST_LINES = 5;
    private static final List<String> INHERITED_FLAGS =
            List.of("--add-opens", "--add-exports", "--enable-native-access", "--sun-misc-unsafe-memory-access");
    private static final List<String> INHERITED_PROPERTIES = List.of("org.bytedeco.", "kronstream.");

    /** Ctrl-C in a terminal reaches this process and its children alike; they are to end when they are told to. */
    private static final List<String> WITHOUT_INTERRUPT = List.of("/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh");

    private final String name;
    private final Process process;
    private final Path output;
    private final Path log;
    private final Thread hook;
    private boolean killed;

    private ChildJvm(String name, Process process, Path output, Path log) {
        this.name = name;
        this.process = process;
        this.output = output;
        this.log = log;
        this.hook = new Thread(process::destroyForcibly, name + "-end");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /**
     * @param flags JVM flags beside the inherited ones, which they override
     * @param arguments arguments of {@code main}; this JVM's process id is put before them
     * @param environment variables in place of the inherited ones
     */
    static ChildJvm start(
            Path dir,
            String name,
            List<String> flags,
            Class<?> main,
            List<String> arguments,
            Map<String, String> environment)
            throws IOException {
        Files.createDirectories(dir);
        Path output = dir.resolve(name + ".out");
        Path log = dir.resolve(name + ".log");
        List<String> command = new ArrayList<>(WITHOUT_INTERRUPT);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(inheritedFlags());
        command.add("-Dkronstream.log.file=" + log);
        command.add("-Dkronstream.log.level=info");
        command.add("-Dlog.file=" + log); // where the dashboard looks for it
        command.addAll(flags);
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(main.getName());
        command.add(Long.toString(ProcessHandle.current().pid()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(dir.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        // One thread per process for BLAS; parallelism comes from slots, models and layers.
        builder.environment().putIfAbsent("OMP_NUM_THREADS", "1");
        builder.environment().putIfAbsent("OPENBLAS_NUM_THREADS", "1");
        // By default glibc keeps freed memory in eight arenas for each processor, and RocksDB's threads seem to leak.
        builder.environment().putIfAbsent("MALLOC_ARENA_MAX", "2");
        builder.environment().putAll(environment);
        return new ChildJvm(name, builder.start(), output, log);
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Whether it was killed by {@link #kill()}. */
    boolean killed() {
        return killed;
    }

    /** Throws, with the last lines that it wrote, if the process has ended. */
    void requireAlive() throws IOException {
        if (!process.isAlive()) {
            throw new IOException(end());
        }
    }

    /** How the process has ended, with the last lines that it wrote and what its log complains of. */
    String end() throws IOException {
        return "The process %s ended with status %d; it wrote: %s%s"
                .formatted(name, process.exitValue(), lastLines(), complaint());
    }

    /** As {@code kill -9}; returns when the process is gone. */
    void kill() throws IOException {
        killed = true;
        process.destroyForcibly();
        try {
            if (!process.waitFor(TERM_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("The process %s (%d) could not be killed.".formatted(name, pid()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        forget();
    }

    /** Asks the process to end and returns at once; {@link #close()} then waits for it. */
    void terminate() {
        process.destroy();
    }

    /** Asks the process to end, kills it if it does not, and waits for it. Idempotent. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(TERM_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor(TERM_SECONDS, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        forget();
    }

    private void forget() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // This JVM is shutting down, and the hook has run or will run.
        }
    }

    private String lastLines() throws IOException {
        List<String> lines =
                Files.readString(output, StandardCharsets.UTF_8).lines().toList();
        return String.join(" | ", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
    }

    /** What its log calls fatal, or else what it complains of first: what comes later mostly follows from it. */
    private String complaint() throws IOException {
        if (!Files.exists(log)) {
            return "";
        }
        try (Stream<String> lines = Files.lines(log, StandardCharsets.UTF_8)) {
            String first = "";
            for (String line : (Iterable<String>) lines::iterator) {
                boolean fatal = line.contains("FATAL");
                if (fatal || first.isEmpty() && line.contains(" ERROR ")) {
                    first = " | " + line;
                }
                if (fatal) {
                    break;
                }
            }
            return first;
        } catch (UncheckedIOException e) {
            return ""; // not text
        }
    }

    private static List<String> inheritedFlags() {
        List<String> flags = new ArrayList<>();
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (INHERITED_FLAGS.stream().anyMatch(flag::startsWith)) {
                flags.add(flag);
            }
        }
        for (String property : System.getProperties().stringPropertyNames()) {
            if (INHERITED_PROPERTIES.stream().anyMatch(property::startsWith)
                    && !property.startsWith("kronstream.log.")) {
                flags.add("-D" + property + "=" + System.getProperty(property));
            }
        }
        return flags;
    }
}
