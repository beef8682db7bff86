// Reads one line of JSON from bytes, piece by piece, and makes no garbage: a live stream has hundreds of lines a second,
// and what a frame of a game throws away, Unity has to collect. Names are kept and given out again.
using System;
using System.Globalization;
using System.Text;

namespace Maquette
{
    /// <summary>A cursor in a line of JSON. Whoever uses it asks for what must come next.</summary>
    public sealed class MaquetteLine
    {
        const int DeepestNesting = 64, MostNames = 512, Slots = 1024;

        readonly byte[][] spellings = new byte[Slots][];
        readonly string[] names = new string[Slots];
        int nameCount;
        byte[] text = new byte[0];
        int at, end;

        /// <summary>Begins with a line of so many bytes; they must stay as they are until it has been read.</summary>
        public void Begin(byte[] bytes, int offset, int length)
        {
            text = bytes;
            at = offset;
            end = offset + length;
        }

        /// <summary>The next character that is no white space; '\0' at the end.</summary>
        public char Peek()
        {
            while (at < end && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) at++;
            return at < end ? (char)text[at] : '\0';
        }

        /// <summary>Takes a bracket.</summary>
        public void Expect(char wanted)
        {
            if (Peek() != wanted) throw Wrong("'" + wanted + "'");
            at++;
        }

        /// <summary>Moves to the next member of an object, after its name; false at its end.</summary>
        public bool NextMember(ref bool first, out string name)
        {
            name = null;
            if (!NextItem(ref first, '}')) return false;
            name = Name();
            Expect(':');
            return true;
        }

        /// <summary>Moves to the next item of an array (or member of an object); false at its end.</summary>
        public bool NextItem(ref bool first, char closing)
        {
            char c = Peek();
            if (c == closing) { at++; return false; }
            if (!first) Expect(',');
            first = false;
            return true;
        }

        /// <summary>Nothing but white space may follow.</summary>
        public void End() { if (Peek() != '\0' || at < end) throw Wrong("the end"); }

        /// <summary>Takes a null, if it is one.</summary>
        public bool Null()
        {
            if (Peek() != 'n') return false;
            Word("null");
            return true;
        }

        /// <summary>Takes true or false.</summary>
        public bool Truth()
        {
            bool yes = Peek() == 't';
            Word(yes ? "true" : "false");
            return yes;
        }

        /// <summary>Takes a finite number.</summary>
        public double Number()
        {
            Peek();
            int start = at;
            bool negative = at < end && text[at] == '-';
            if (negative) at++;
            long digits = 0;
            int power = 0, seen = 0;
            bool fraction = false;
            for (; at < end; at++)
            {
                int digit = text[at] - '0';
                if (text[at] == '.' && !fraction && seen > 0) { fraction = true; continue; }
                if (digit < 0 || digit > 9) break;
                seen++;
                // More than 17 digits say nothing that a double could hold.
                if (digits < 100000000000000000L) { digits = 10 * digits + digit; if (fraction) power--; }
                else if (!fraction) power++;
            }
            if (seen == 0 || text[at - 1] == '.') { at = start; throw Wrong("a value"); }
            if (at < end && (text[at] == 'e' || text[at] == 'E')) power += Exponent();
            double value = power == 0 || digits == 0 ? digits : power > 0 ? digits * Math.Pow(10, power)
                : power >= -300 ? digits / Math.Pow(10, -power) : 0;
            if (double.IsInfinity(value)) { at = start; throw Wrong("a number that is not so large"); }
            return negative ? -value : value;
        }

        int Exponent()
        {
            at++;
            bool negative = at < end && text[at] == '-';
            if (negative || (at < end && text[at] == '+')) at++;
            int power = 0, first = at;
            for (; at < end && text[at] >= '0' && text[at] <= '9'; at++) power = Math.Min(10 * power + text[at] - '0', 9999);
            if (at == first) throw Wrong("an exponent");
            return negative ? -power : power;
        }

        /// <summary>Takes a string; the same object for the same name, each time.</summary>
        public string Name()
        {
            Expect('"');
            int start = at;
            uint hash = 2166136261;
            bool plain = true;
            for (; at < end && text[at] != '"'; at++)
            {
                if (text[at] == '\\') { plain = false; at++; }
                else hash = (hash ^ text[at]) * 16777619;
            }
            if (at >= end) throw Wrong("the end of a string");
            int length = at++ - start;
            if (!plain) return MaquetteJson.Parse(Encoding.UTF8.GetString(text, start - 1, length + 2)) as string;
            for (uint slot = hash % Slots; ; slot = (slot + 1) % Slots)
            {
                if (names[slot] == null)
                {
                    string name = Encoding.UTF8.GetString(text, start, length);
                    // Who sends ever new names does not fill the memory.
                    if (nameCount >= MostNames || length > 64) return name;
                    nameCount++;
                    spellings[slot] = new byte[length];
                    Array.Copy(text, start, spellings[slot], 0, length);
                    return names[slot] = name;
                }
                if (Same(spellings[slot], start, length)) return names[slot];
            }
        }

        bool Same(byte[] spelling, int start, int length)
        {
            if (spelling.Length != length) return false;
            for (int i = 0; i < length; i++) if (spelling[i] != text[start + i]) return false;
            return true;
        }

        /// <summary>Passes over a value of any kind.</summary>
        public void SkipValue() { SkipValue(0); }

        void SkipValue(int depth)
        {
            if (depth > DeepestNesting) throw new MaquetteFormatException("JSON nested too deep");
            bool first = true;
            switch (Peek())
            {
                case '{':
                    at++;
                    while (NextItem(ref first, '}')) { SkipString(); Expect(':'); SkipValue(depth + 1); }
                    break;
                case '[':
                    at++;
                    while (NextItem(ref first, ']')) SkipValue(depth + 1);
                    break;
                case '"': SkipString(); break;
                case 't': case 'f': Truth(); break;
                case 'n': Null(); break;
                default: Number(); break;
            }
        }

        void SkipString()
        {
            Expect('"');
            for (; at < end && text[at] != '"'; at++) if (text[at] == '\\') at++;
            if (at >= end) throw Wrong("the end of a string");
            at++;
        }

        void Word(string word)
        {
            for (int i = 0; i < word.Length; i++)
                if (at + i >= end || text[at + i] != word[i]) throw Wrong("a value");
            at += word.Length;
        }

        MaquetteFormatException Wrong(string expected)
        {
            string seen = at >= end ? "the end of the line" : text[at] >= 32 && text[at] < 127 ? "'" + (char)text[at] + "'"
                : "byte " + text[at].ToString(CultureInfo.InvariantCulture);
            return new MaquetteFormatException("expected " + expected + ", saw " + seen);
        }
    }
}
