// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.learner.Task;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxImagesTest {
    @TempDir
    private Path directory;

    @Test
    void aRowIsTheClassAndThePixels() throws IOException {
        Path images = write("train-images-idx3-ubyte.gz", 0x803, new int[] {2, 1, 3}, 0, 128, 255, 7, 8, 9);
        write("train-labels-idx1-ubyte.gz", 0x801, new int[] {2}, 4, 9);

        Dataset data = Dataset.named(images.toString(), null);

        assertThat(data.schema().task()).isEqualTo(Task.CLASSIFICATION);
        assertThat(data.schema().columns()).containsExactly("label", "p0", "p1", "p2");
        assertThat(rows(data, 5)).containsExactly("4,0,128,255", "9,7,8,9");
        assertThat(rows(data, 1)).containsExactly("4,0,128,255");
    }

    @Test
    void whatIsNoPairOfImagesAndLabelsIsRefused() throws IOException {
        Path alone = write("a-images-idx3-ubyte", 0x803, new int[] {1, 1, 1}, 5);
        assertThatThrownBy(() -> Dataset.named(alone.toString(), null))
                .isInstanceOf(InvalidSettingsException.class)
                .hasMessageContaining("a-labels-idx1-ubyte");
        write("a-labels-idx1-ubyte", 0x801, new int[] {2}, 5, 6);
        assertThatThrownBy(() -> Dataset.named(alone.toString(), null))
                .isInstanceOf(InvalidSettingsException.class)
                .hasMessageContaining("not a label for each");
        write("a-labels-idx1-ubyte", 0x803, new int[] {1}, 5);
        assertThatThrownBy(() -> Dataset.named(alone.toString(), null))
                .isInstanceOf(InvalidSettingsException.class)
                .hasMessageContaining("holds no images and labels");
        write("a-images-idx3-ubyte", 0x803, new int[] {1, 1 << 20, 1 << 20}, 5);
        write("a-labels-idx1-ubyte", 0x801, new int[] {1}, 5);
        assertThatThrownBy(() -> Dataset.named(alone.toString(), null))
                .isInstanceOf(InvalidSettingsException.class)
                .hasMessageContaining("images that do not fit");
    }

    private static List<String> rows(Dataset data, long limit) {
        List<String> rows = new ArrayList<>();
        data.rows(1, limit).forEachRemaining(row -> rows.add(new String(row, StandardCharsets.UTF_8)));
        return rows;
    }

    private Path write(String name, int magic, int[] lengths, int... elements) throws IOException {
        Path file = directory.resolve(name);
        OutputStream raw = Files.newOutputStream(file);
        try (DataOutputStream out = new DataOutputStream(name.endsWith(".gz") ? new GZIPOutputStream(raw) : raw)) {
            out.writeInt(magic);
            for (int length : lengths) {
                out.writeInt(length);
            }
            for (int element : elements) {
                out.writeByte(element);
            }
        }
        return file;
    }
}
