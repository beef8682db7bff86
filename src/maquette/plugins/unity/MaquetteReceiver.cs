// Receives Maquette's live stream in a thread of its own and keeps the newest pose of each person. Uses nothing of Unity.
//
//   UDP: listens;  maquette live --source ... --to udp://127.0.0.1:39541
//   TCP: connects, again and again;  maquette live --source ... --to tcp+listen://127.0.0.1:39541
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace Maquette
{
    /// <summary>Somebody in the stream.</summary>
    public sealed class MaquettePerson
    {
        public int Number;
        /// <summary>The newest pose; belongs to the receiver, which fills it again later.</summary>
        public MaquetteMessage Pose;
        /// <summary>Whether the pose came since the last Refresh but one.</summary>
        public bool IsNew;

        internal MaquetteMessage Waiting, Spare;
        internal long HeardAt;
        internal bool IsGone;
    }

    /// <summary>A stream that comes in; poses that nobody fetched in time are written over, never queued.</summary>
    public sealed class MaquetteReceiver : IDisposable
    {
        const int MostBytes = 1 << 20, MostPeople = 64, WaitMs = 100;
        /// <summary>A pose that is older than the last one by less came too late; by more, the stream began anew.</summary>
        const double LateS = 0.5;
        /// <summary>Who was not heard of for so long is gone: the word that says so can get lost.</summary>
        const double SilentS = 2;

        readonly bool isTcp;
        readonly string address, token;
        readonly int port;
        readonly object gate = new object();
        readonly List<MaquettePerson> slots = new List<MaquettePerson>(), shown = new List<MaquettePerson>();
        readonly MaquetteLine line = new MaquetteLine();
        readonly Thread thread;
        MaquetteMessage scratch = new MaquetteMessage();
        byte[] buffer = new byte[1 << 16];
        volatile bool stopping;
        volatile string state = "starting", firstMalformed = "";
        volatile int boundPort;
        long received, malformed, late, overwritten;

        /// <param name="token">What Maquette was given as --token, if it listens for other machines; else null.</param>
        public MaquetteReceiver(bool isTcp, string address, int port, string token = null)
        {
            this.isTcp = isTcp;
            this.address = address;
            this.port = port;
            this.token = string.IsNullOrEmpty(token) ? null : token;
            thread = new Thread(Run) { IsBackground = true, Name = "Maquette" };
            thread.Start();
        }

        /// <summary>In a few words, for people.</summary>
        public string State { get { return state; } }
        /// <summary>The port it listens on; 0 until it does.</summary>
        public int Port { get { return boundPort; } }
        public long Received { get { return Interlocked.Read(ref received); } }
        /// <summary>Lines that could not be read.</summary>
        public long Malformed { get { return Interlocked.Read(ref malformed); } }
        public string FirstMalformed { get { return firstMalformed; } }
        /// <summary>Poses that came after a newer one.</summary>
        public long Late { get { return Interlocked.Read(ref late); } }
        /// <summary>Poses that a newer one replaced before they were fetched.</summary>
        public long Overwritten { get { return Interlocked.Read(ref overwritten); } }
        /// <summary>Who is there, the first to come first; as of the last Refresh.</summary>
        public IList<MaquettePerson> People { get { return shown; } }

        /// <summary>Brings People up to date; to be called by one thread, once a frame.</summary>
        public void Refresh()
        {
            lock (gate)
            {
                shown.Clear();
                long now = Stopwatch.GetTimestamp();
                for (int i = slots.Count - 1; i >= 0; i--)
                    if (slots[i].IsGone || now - slots[i].HeardAt > SilentS * Stopwatch.Frequency) slots.RemoveAt(i);
                foreach (MaquettePerson person in slots)
                {
                    person.IsNew = person.Waiting != null;
                    if (person.IsNew)
                    {
                        person.Spare = person.Pose;
                        person.Pose = person.Waiting;
                        person.Waiting = null;
                    }
                    shown.Add(person);
                }
            }
        }

        /// <summary>Closes the socket and waits for the thread.</summary>
        public void Dispose()
        {
            stopping = true;
            thread.Join();
        }

        void Run()
        {
            int pauseMs = 250;
            while (!stopping)
            {
                long before = Received;
                try
                {
                    if (isTcp) ReceiveTcp();
                    else ReceiveUdp();
                }
                catch (SocketException error) { state = address + ":" + port + ": " + error.Message; }
                if (Received > before) pauseMs = 250;
                for (int waited = 0; waited < pauseMs && !stopping; waited += 50) Thread.Sleep(50);
                pauseMs = Math.Min(2 * pauseMs, 4000);
            }
            state = "stopped";
        }

        void ReceiveUdp()
        {
            IPAddress host = AddressOf(address);
            using (var socket = new Socket(host.AddressFamily, SocketType.Dgram, ProtocolType.Udp))
            {
                socket.ReceiveBufferSize = 1 << 20;
                socket.Bind(new IPEndPoint(host, port));
                boundPort = ((IPEndPoint)socket.LocalEndPoint).Port;
                state = "listening on " + address + ":" + boundPort;
                while (!stopping)
                    if (socket.Poll(1000 * WaitMs, SelectMode.SelectRead)) TakePacket(socket.Receive(buffer));
            }
        }

        void TakePacket(int length)
        {
            int start = 0;
            for (int i = 0; i < length; i++)
                if (buffer[i] == '\n') { TakeLine(start, i - start); start = i + 1; }
            TakeLine(start, length - start);
        }

        void ReceiveTcp()
        {
            IPAddress host = AddressOf(address);
            using (var socket = new Socket(host.AddressFamily, SocketType.Stream, ProtocolType.Tcp))
            {
                state = "connecting to " + address + ":" + port;
                IAsyncResult attempt = socket.BeginConnect(new IPEndPoint(host, port), null, null);
                while (!attempt.AsyncWaitHandle.WaitOne(WaitMs)) if (stopping) return;
                socket.EndConnect(attempt);
                socket.NoDelay = true;
                if (token != null) socket.Send(Encoding.UTF8.GetBytes(token + "\n"));
                state = "connected to " + address + ":" + port;
                ReadLines(socket);
            }
        }

        void ReadLines(Socket socket)
        {
            int filled = 0, searched = 0;
            bool tooLong = false;
            while (!stopping)
            {
                if (!socket.Poll(1000 * WaitMs, SelectMode.SelectRead)) continue;
                int got = socket.Receive(buffer, filled, buffer.Length - filled, SocketFlags.None);
                if (got == 0) { state = "closed by " + address + ":" + port; return; }
                filled += got;
                int start = 0;
                for (; searched < filled; searched++)
                {
                    if (buffer[searched] != '\n') continue;
                    if (!tooLong) TakeLine(start, searched - start);
                    tooLong = false;
                    start = searched + 1;
                }
                filled -= start;
                Buffer.BlockCopy(buffer, start, buffer, 0, filled);
                if (filled == buffer.Length && filled < MostBytes) Array.Resize(ref buffer, 2 * filled);
                else if (filled == buffer.Length)
                {
                    if (!tooLong) Skip("a line of more than " + MostBytes + " bytes");
                    tooLong = true;
                    filled = 0;
                }
                searched = filled;
            }
        }

        void TakeLine(int start, int length)
        {
            while (length > 0 && buffer[start + length - 1] <= ' ') length--;
            if (length == 0) return;
            line.Begin(buffer, start, length);
            try { scratch.Read(line); }
            catch (MaquetteFormatException error) { Skip(error.Message); return; }
            Interlocked.Increment(ref received);
            if (scratch.IsPose || scratch.Type == "gone" || scratch.Type == "hello") lock (gate) Keep();
        }

        void Skip(string why)
        {
            if (Interlocked.Increment(ref malformed) == 1) firstMalformed = why;
        }

        /// <summary>Puts what was read where Refresh finds it.</summary>
        void Keep()
        {
            if (scratch.Type == "hello")
            {
                // A new stream: its numbers have nothing to do with those before.
                foreach (MaquettePerson old in slots) old.IsGone = true;
                return;
            }
            MaquettePerson person = Find(scratch.Person);
            if (!scratch.IsPose)
            {
                if (person != null) person.IsGone = true;
                return;
            }
            if (person == null)
            {
                if (slots.Count >= MostPeople) slots.RemoveAt(Longest());
                person = new MaquettePerson { Number = scratch.Person, Spare = new MaquetteMessage() };
                slots.Add(person);
            }
            MaquetteMessage last = person.Waiting ?? person.Pose;
            if (last != null && scratch.TimeS <= last.TimeS && scratch.TimeS > last.TimeS - LateS)
            {
                Interlocked.Increment(ref late);
                return;
            }
            MaquetteMessage free = person.Waiting ?? person.Spare ?? new MaquetteMessage();
            if (person.Waiting != null) Interlocked.Increment(ref overwritten);
            else person.Spare = null;
            person.Waiting = scratch;
            person.HeardAt = Stopwatch.GetTimestamp();
            scratch = free;
        }

        MaquettePerson Find(int number)
        {
            foreach (MaquettePerson person in slots) if (person.Number == number && !person.IsGone) return person;
            return null;
        }

        /// <summary>Who was not heard of for the longest time.</summary>
        int Longest()
        {
            int found = 0;
            for (int i = 1; i < slots.Count; i++) if (slots[i].HeardAt < slots[found].HeardAt) found = i;
            return found;
        }

        static IPAddress AddressOf(string name)
        {
            IPAddress number;
            if (IPAddress.TryParse(name, out number)) return number;
            foreach (IPAddress found in Dns.GetHostAddresses(name))
                if (found.AddressFamily == AddressFamily.InterNetwork) return found;
            throw new SocketException((int)SocketError.HostNotFound);
        }
    }
}
