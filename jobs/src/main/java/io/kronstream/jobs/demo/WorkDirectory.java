// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFile;
import io.kronstream.jobs.JobSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Where a demo keeps its broker's data, its checkpoints and its job file; deleted at the end unless it is to be kept. */
public final class WorkDirectory implements AutoCloseable {
    private final Path root;
    private final boolean keep;

    private WorkDirectory(Path root, boolean keep) {
        this.root = root;
        this.keep = keep;
    }

    /**
     * @param keep a directory that does not exist or is empty, or null for a temporary one
     * @throws InvalidSettingsException if there is something in it
     */
    public static WorkDirectory create(Path keep) throws IOException {
        if (keep == null) {
            return new WorkDirectory(Files.createTempDirectory("kronstream-"), false);
        }
        requireEmpty(keep);
        return new WorkDirectory(Files.createDirectories(keep).toAbsolutePath(), true);
    }

    /** One that an earlier demo left. */
    public static WorkDirectory open(Path kept) {
        WorkDirectory directory = new WorkDirectory(kept.toAbsolutePath(), true);
        if (!Files.isRegularFile(directory.jobFile())) {
            throw new InvalidSettingsException(
                    kept.toString(), List.of("is no directory that 'kronstream demo --keep' has left"));
        }
        return directory;
    }

    /** @throws InvalidSettingsException if it is a file, or a directory with something in it */
    static void requireEmpty(Path keep) {
        if (!Files.exists(keep)) {
            return;
        }
        try (Stream<Path> entries = Files.list(keep)) {
            if (entries.findAny().isEmpty()) {
                return;
            }
        } catch (IOException e) {
            throw new InvalidSettingsException("--keep", List.of("'" + keep + "' is not a directory"));
        }
        throw new InvalidSettingsException(
                "--keep", List.of("the directory '" + keep + "' is not empty; name a new one"));
    }

    public Path broker() {
        return root.resolve("kafka");
    }

    public Path checkpoints() {
        return root.resolve("checkpoints");
    }

    public Path cluster() {
        return root.resolve("flink");
    }

    void writeJob(JobSettings job) throws IOException {
        Files.writeString(jobFile(), JobFile.write(job));
    }

    /** The job that was run here. */
    public JobSettings readJob() {
        return JobFile.read(jobFile(), Map.of());
    }

    private Path jobFile() {
        return root.resolve("job.yaml");
    }

    @Override
    public void close() {
        if (keep) {
            return;
        }
        try (Stream<Path> entries = Files.walk(root)) {
            for (Path entry : entries.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(entry);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("The directory " + root + " cannot be deleted", e);
        }
    }
}
