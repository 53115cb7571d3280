// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import io.kronstream.learner.PublishedModel;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/**
 * Payloads of models that are too large for the topic, one file for each version, named by version and digest:
 * {@code DIRECTORY/MODEL/VERSION-DIGEST.model}. A file is there, whole, before any record refers to it. It is deleted when
 * two later versions have been durable for a checkpoint. Not thread-safe.
 */
final class ReferenceFiles {
    private static final Pattern NAME = Pattern.compile("(\\d{1,18})-[0-9a-f]{16}\\.model");

    private final String directory;
    /** Of each model the files that may still be referred to, by version. */
    private final Map<String, TreeMap<Long, Path>> files = new HashMap<>();
    /** The version of each model that was written last. */
    private final Map<String, Long> last = new HashMap<>();
    /** The version written last of each model at each checkpoint that has not completed. */
    private final TreeMap<Long, Map<String, Long>> pending = new TreeMap<>();
    /** The version written last of each model that is durable since the last checkpoint but one. */
    private Map<String, Long> durable = Map.of();

    ReferenceFiles(String directory) {
        this.directory = directory;
    }

    /** Writes the payload, unless its file is there; returns its URI. */
    String write(PublishedModel published) throws IOException {
        Path parent = new Path(directory, URLEncoder.encode(published.model(), StandardCharsets.UTF_8));
        FileSystem system = parent.getFileSystem();
        TreeMap<Long, Path> known = files.get(published.model());
        if (known == null) {
            known = existing(system, parent);
            files.put(published.model(), known);
        }
        Path file = new Path(
                parent, published.version() + "-" + published.payloadSha256().substring(0, 16) + ".model");
        if (!isThere(system, file, published.payload().length)) {
            Path unfinished = new Path(parent, "." + file.getName() + ".unfinished");
            try (FSDataOutputStream out = system.create(unfinished, FileSystem.WriteMode.OVERWRITE)) {
                out.write(published.payload());
                out.sync();
            }
            if (!system.rename(unfinished, file)) {
                throw new IOException("The file " + file + " of a published model cannot be put in its place");
            }
        }
        known.put(published.version(), file);
        last.put(published.model(), published.version());
        return file.makeQualified(system).toUri().toString();
    }

    private static TreeMap<Long, Path> existing(FileSystem system, Path parent) throws IOException {
        TreeMap<Long, Path> existing = new TreeMap<>();
        system.mkdirs(parent);
        FileStatus[] all = system.listStatus(parent);
        for (FileStatus status : all == null ? new FileStatus[0] : all) {
            Matcher name = NAME.matcher(status.getPath().getName());
            if (name.matches()) {
                existing.put(Long.parseLong(name.group(1)), status.getPath());
            }
        }
        return existing;
    }

    private static boolean isThere(FileSystem system, Path file, long bytes) throws IOException {
        return system.exists(file) && system.getFileStatus(file).getLen() == bytes;
    }

    /** A checkpoint is being taken: what was written so far is durable when it completes. */
    void snapshot(long checkpoint) {
        pending.put(checkpoint, new HashMap<>(last));
    }

    /** A checkpoint has completed. The records of the one before it can be seen by every reader by now. */
    void completed(long checkpoint) throws IOException {
        Map<String, Long> written = pending.get(checkpoint);
        if (written == null) {
            return;
        }
        for (Map.Entry<String, Long> safe : durable.entrySet()) {
            Map<Long, Path> superseded = files.get(safe.getKey()).headMap(safe.getValue() - 1);
            for (Path file : superseded.values()) {
                file.getFileSystem().delete(file, false);
            }
            superseded.clear();
        }
        durable = written;
        pending.headMap(checkpoint, true).clear();
    }
}
