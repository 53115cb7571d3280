// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.connectors.model.Models;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReferenceFilesTest {
    @TempDir
    private Path dir;

    @Test
    void writesAPayloadOnce() throws Exception {
        ReferenceFiles files = new ReferenceFiles(dir.toUri().toString());

        String uri = files.write(Models.published("shop/eu", 1, 5000, 1));

        Path file = Path.of(URI.create(uri));
        assertThat(file)
                .hasBinaryContent(Models.published("shop/eu", 1, 5000, 1).payload());
        Object identity = Files.getAttribute(file, "unix:ino");
        assertThat(files.write(Models.published("shop/eu", 1, 5000, 1))).isEqualTo(uri);
        assertThat(Files.getAttribute(file, "unix:ino")).isEqualTo(identity);
        assertThat(files.write(Models.published("shop/eu", 1, 5000, 2))).isNotEqualTo(uri);
    }

    @Test
    void deletesWhatTwoDurableVersionsHaveFollowedForACheckpoint() throws Exception {
        ReferenceFiles files = new ReferenceFiles(dir.toUri().toString());
        for (long version = 1; version <= 5; version++) {
            files.write(Models.published("m", version, 100, 1));
        }
        files.snapshot(1);
        files.completed(1);
        assertThat(versions()).containsExactly("1", "2", "3", "4", "5");
        files.write(Models.published("m", 6, 100, 1));
        files.snapshot(2);
        files.completed(2);
        assertThat(versions()).containsExactly("4", "5", "6");

        // An attempt that starts again knows the files of the one before.
        ReferenceFiles again = new ReferenceFiles(dir.toUri().toString());
        again.write(Models.published("m", 7, 100, 1));
        again.snapshot(3);
        again.completed(3);
        again.snapshot(4);
        again.completed(4);
        assertThat(versions()).containsExactly("6", "7");
    }

    private List<String> versions() throws IOException {
        try (Stream<Path> all = Files.list(dir.resolve("m"))) {
            return all.map(file -> file.getFileName().toString().split("-")[0])
                    .sorted()
                    .toList();
        }
    }
}
