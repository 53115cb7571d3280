// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.observer;

import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.file.FileLines;
import io.kronstream.connectors.file.FilePosition;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.TrainingJob;
import java.util.Map;

/** Reads a job's files from their beginning. */
final class FileFeed implements RecordFeed {
    private final FileLines lines;
    private final Map<Integer, Long> through;
    private final int last;

    FileFeed(JobSettings settings, Map<Integer, Long> through) {
        this.lines = new FileLines(TrainingJob.files(settings), FilePosition.START);
        this.through = through;
        this.last = through.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1);
    }

    @Override
    public RawRecord next() {
        RawRecord record;
        while ((record = lines.next()) != null && record.source() <= last) {
            Long end = through.get(record.source());
            if (end != null && record.offset() <= end) {
                return record;
            }
            if (record.source() == last) {
                return null;
            }
        }
        return null;
    }

    @Override
    public void close() {
        lines.close();
    }
}
